//! The connection to a queue: made when it is needed, made again when it broke, shared by everything in this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::tls::Tls;
use super::{QueueAddress, QueueError};

/// A statement that takes longer is given up by the server.
const BOUNDS: &str = "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '10s';
    SET lock_timeout = '10s'; SET search_path = pg_catalog; SET client_min_messages = warning";
/// An answer that takes longer is waited for in vain: the connection is given up.
const PATIENCE: Duration = Duration::from_secs(45);

/// A queue that can be asked.
#[derive(Debug)]
pub struct Link {
    address: QueueAddress,
    connected: Mutex<Option<Arc<Connected>>>,
}

/// One connection with the statements that were prepared on it.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

impl Link {
    /// Connects with the first question.
    pub fn new(address: QueueAddress) -> Self {
        Self { address, connected: Mutex::new(None) }
    }

    /// The queue for people: without its password.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// The rows of a statement with these values.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, QueueError> {
        let connected = self.connected().await?;
        let asked = tokio::time::timeout(PATIENCE, async {
            let statement = connected.statement(sql).await?;
            connected.client.query(&statement, values).await
        });
        let failure = match asked.await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => QueueError::from_sql(&self.place(), error),
            Err(waited) => QueueError::Unreachable { place: self.place(), source: Box::new(waited) },
        };
        if failure.is_disconnect() {
            self.drop_connection(&connected).await;
        }
        Err(failure)
    }

    /// The connection, made again if it broke.
    pub(super) async fn connected(&self) -> Result<Arc<Connected>, QueueError> {
        let mut held = self.connected.lock().await;
        if let Some(connected) = held.as_ref().filter(|connected| !connected.client.is_closed()) {
            return Ok(Arc::clone(connected));
        }
        let connected = Arc::new(self.alone().await?);
        *held = Some(Arc::clone(&connected));
        Ok(connected)
    }

    /// A connection of its own, for a transaction that lasts.
    pub(super) async fn alone(&self) -> Result<Connected, QueueError> {
        let place = self.place();
        let refused = |error| QueueError::from_sql(&place, error);
        let config = &self.address.config;
        let client = if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
            drop(tokio::spawn(connection));
            client
        } else {
            let tls = Tls::new(self.address.roots.as_deref())
                .map_err(|source| QueueError::Certificates { place: place.clone(), source })?;
            let (client, connection) = config.connect(tls).await.map_err(refused)?;
            drop(tokio::spawn(connection));
            client
        };
        client.batch_execute(BOUNDS).await.map_err(refused)?;
        Ok(Connected { client, prepared: Mutex::new(HashMap::new()) })
    }

    async fn drop_connection(&self, broken: &Arc<Connected>) {
        let mut held = self.connected.lock().await;
        if held.as_ref().is_some_and(|connected| Arc::ptr_eq(connected, broken)) {
            *held = None;
        }
    }
}

impl Connected {
    async fn statement(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.prepared.lock().await.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.lock().await.insert(sql, statement.clone());
        Ok(statement)
    }
}
