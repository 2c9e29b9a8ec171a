//! Servers that a server's page names because they have tools like its own: those that come up most often among the similar tools
//! that the pages of its tools show. So one that changes touches only pages of servers that share a key with it, as there.

use std::cmp::Reverse;

use serde::Serialize;

use super::name::ServerName;
use super::site_work::ServerWork;

/// How many are named.
const SHOWN: usize = 6;

/// Another server with similar tools.
#[derive(Debug, Serialize)]
pub(super) struct LikeServer<'a> {
    #[serde(flatten)]
    pub(super) name: &'a ServerName,
    /// Tools of this server whose page names one of that server.
    pub(super) tools: usize,
}

/// The servers that come up most often; by key where it is equally often.
pub(super) fn like_servers<'a>(work: &ServerWork<'a>) -> Vec<LikeServer<'a>> {
    let catalogue = work.common.catalogue;
    let tool = |place: &usize| catalogue.tools.get(*place);
    // A tool names at most one tool of each server, and servers are numbered by key.
    let named = (0..work.entry.tool_count).flat_map(|place| work.similar(place)).filter_map(tool);
    let mut named: Vec<u32> = named.map(|tool| tool.server).collect();
    most_often(&mut named)
        .into_iter()
        .filter_map(|(server, tools)| Some((catalogue.servers.get(server as usize)?, tools)))
        .map(|(entry, tools)| LikeServer { name: &entry.name, tools })
        .collect()
}

/// The numbers that occur most often, with how often, at most [`SHOWN`]; the smaller one first where it is equally often.
fn most_often(numbers: &mut [u32]) -> Vec<(u32, usize)> {
    numbers.sort_unstable();
    let mut most: Vec<(u32, usize)> = Vec::with_capacity(SHOWN + 1);
    for run in numbers.chunk_by(|a, b| a == b) {
        let Some(number) = run.first() else { continue };
        let at = most.partition_point(|(_, count)| Reverse(*count) <= Reverse(run.len()));
        if at < SHOWN {
            most.insert(at, (*number, run.len()));
            most.truncate(SHOWN);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_most_often_comes_first_and_then_the_smaller_number() {
        assert_eq!(most_often(&mut [5, 2, 9, 2, 5, 7]), [(2, 2), (5, 2), (7, 1), (9, 1)]);
        assert_eq!(most_often(&mut []), []);
        let mut many: Vec<u32> = (0..50).rev().chain([49, 48, 49]).collect();
        assert_eq!(most_often(&mut many), [(49, 3), (48, 2), (0, 1), (1, 1), (2, 1), (3, 1)]);
    }
}
