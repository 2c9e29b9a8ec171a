//! Chromium over its debugging pipe: pages are opened in several tabs beside each other, and everything they do is told.
//!
//! Source: Chrome DevTools Protocol, `--remote-debugging-pipe`: messages on descriptors 3 and 4, each ended by a zero byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// In every page before anything of its own: whatever a text would have run calls one of these.
const BEFORE: &str = "for (const name of ['canary', 'alert', 'confirm', 'prompt', 'print', 'open']) \
    globalThis[name] = (...a) => ran(name + ' ' + a.join()); \
    addEventListener('securitypolicyviolation', e => reported(e.effectiveDirective + ' ' + e.blockedURI));";

/// What a page is: the hash of its tags with their attributes' names as they were sent, before the site's own script adds its
/// buttons; and what must not be there when that has run.
const LOOK: &str = r#"(async () => {
  const results = () => document.querySelectorAll('#found [role=option]').length;
  if (location.pathname === '/search.html' && location.search) for (let i = 0; i < 200 && !results(); i++) await new Promise(done => setTimeout(done, 50));
  let a = 0x811c9dc5, b = 0x9747b28c; const wrong = [];
  const add = text => { for (let i = 0; i < text.length; i++) { a = Math.imul(a ^ text.charCodeAt(i), 16777619); b = Math.imul(b ^ text.charCodeAt(i), 0x5bd1e995); } };
  const sent = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
  for (const e of sent.querySelectorAll('*')) add('<' + e.localName + ' ' + e.getAttributeNames().sort().join(' ') + '>');
  for (const e of document.querySelectorAll('*')) {
    for (const n of e.getAttributeNames()) {
      const v = e.getAttribute(n);
      if (n.startsWith('on') || n === 'style' || n === 'srcdoc') wrong.push(e.localName + ' ' + n);
      if (['href', 'src', 'action', 'data', 'xlink:href', 'formaction'].includes(n)) {
        const u = new URL(v, location.href);
        const ours = u.origin === location.origin || (e.localName === 'link' && u.host === 'cat.example');
        const stated = e.localName === 'a' && u.protocol === 'https:' && e.rel.includes('nofollow') && e.rel.includes('ugc');
        if (!ours && !stated) wrong.push(e.localName + ' ' + n + '=' + v);
      }
    }
    if (['iframe', 'object', 'embed', 'style', 'math', 'template', 'animate'].includes(e.localName)) wrong.push(e.localName);
    if (e.localName === 'form' && !(e.getAttribute('role') === 'search' && new URL(e.getAttribute('action'), document.baseURI).pathname === '/search.html' && e.getAttributeNames().every(n => ['class', 'role', 'action', 'id'].includes(n)))) wrong.push('form');
    if (e.localName === 'base' && !['https://cat.example', location.origin].includes(new URL(e.href).origin)) wrong.push('base ' + e.href);
    if (e.localName === 'script' && !(e.type === 'application/ld+json' || [location.origin + '/static/site.js', location.origin + '/static/search.js', location.origin + '/static/check.js'].includes(e.src) || (location.pathname === '/search.html' && e.src.startsWith(location.origin + '/search/')))) wrong.push('script ' + e.src);
  }
  for (const e of document.querySelectorAll('script[type="application/ld+json"]')) JSON.parse(e.textContent);
  return JSON.stringify({ shape: (a >>> 0) + '-' + (b >>> 0), wrong, at: location.href, results: results() });
})()"#;

/// What came of one page.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) shape: String,
    pub(crate) wrong: Vec<String>,
    pub(crate) ran: Vec<String>,
    pub(crate) reports: Vec<String>,
    /// Requests to anybody but the site.
    pub(crate) went_out: Vec<String>,
    /// Results of a search that are shown.
    pub(crate) results: u64,
}

pub(crate) struct Chrome {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
    _profile: tempfile::TempDir,
}

impl Chrome {
    /// Starts it; None where there is none.
    pub(crate) fn start() -> Option<Self> {
        let program = ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .find_map(|name| which::which(name).ok())?;
        let profile = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test starts the browser")]
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-gpu",
                "--no-sandbox",
                "--window-size=320,100",
            ])
            .args(["--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-popup-blocking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let (to, from) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut chrome = Self { child, to, from, last: 0, _profile: profile };
        chrome.ask(None, "Browser.getVersion", json!({})).map(|_| chrome)
    }

    fn send(&mut self, session: Option<&str>, method: &str, params: Value) -> Option<u64> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).ok()?;
        Some(self.last)
    }

    fn next(&mut self) -> Option<Value> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).ok()?;
        bytes.pop()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn ask(&mut self, session: Option<&str>, method: &str, params: Value) -> Option<Value> {
        let id = self.send(session, method, params)?;
        loop {
            let message = self.next()?;
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return Some(message["result"].clone());
            }
        }
    }

    fn tab(&mut self) -> String {
        // Nobody looks: a large window would be painted for nobody.
        let window = json!({"url": "about:blank", "newWindow": true, "width": 320, "height": 100});
        let target = self.ask(None, "Target.createTarget", window).unwrap();
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.ask(None, "Target.attachToTarget", attach).unwrap()["sessionId"]
            .as_str()
            .unwrap()
            .to_owned();
        let one = Some(session.as_str());
        for domain in ["Page", "Runtime", "Network", "Log", "Audits"] {
            self.ask(one, &format!("{domain}.enable"), json!({})).unwrap();
        }
        // On loopback packed pages come no sooner, and packing them costs.
        let plain = json!({"headers": {"Accept-Encoding": "identity"}});
        self.ask(one, "Network.setExtraHTTPHeaders", plain).unwrap();
        for name in ["ran", "reported"] {
            self.ask(one, "Runtime.addBinding", json!({"name": name})).unwrap();
        }
        self.ask(one, "Page.addScriptToEvaluateOnNewDocument", json!({"source": BEFORE})).unwrap();
        session
    }

    /// Opens every page, `tabs` at a time, and tells what each did.
    pub(crate) fn look_at(&mut self, site: &str, pages: &[String], tabs: usize) -> Vec<Seen> {
        let mut seen = vec![Seen::default(); pages.len()];
        let mut left = 0..pages.len();
        let mut at: HashMap<String, usize> = HashMap::new();
        let mut asked: HashMap<u64, String> = HashMap::new();
        for session in (0..tabs.min(pages.len())).map(|_| self.tab()).collect::<Vec<_>>() {
            let page = left.next().unwrap();
            self.open(&session, site, &pages[page]);
            at.insert(session, page);
        }
        while !at.is_empty() {
            let message = self.next().expect("the browser ended");
            if let Some(session) = message["id"].as_u64().and_then(|id| asked.remove(&id)) {
                let page = at[&session];
                let found = message["result"]["result"]["value"].as_str();
                let one = &mut seen[page];
                if let Some(found) = found {
                    let found: Value = serde_json::from_str(found).unwrap();
                    one.shape = found["shape"].as_str().unwrap().to_owned();
                    one.wrong = found["wrong"].as_array().unwrap().iter().map(ToString::to_string).collect();
                    one.results = found["results"].as_u64().unwrap();
                    if found["at"] != format!("{site}{}", pages[page]) {
                        one.wrong.push(format!("it went to {}", found["at"]));
                    }
                } else {
                    one.wrong.push(format!("it cannot be looked at: {message}"));
                }
                match left.next() {
                    Some(next) => {
                        self.open(&session, site, &pages[next]);
                        at.insert(session, next);
                    }
                    None => drop(at.remove(&session)),
                }
                continue;
            }
            let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
            let Some(page) = at.get(&session).copied() else { continue };
            let (params, one) = (&message["params"], &mut seen[page]);
            match message["method"].as_str().unwrap_or_default() {
                "Page.loadEventFired" => {
                    let id = self.send(
                        Some(&session),
                        "Runtime.evaluate",
                        json!({"expression": LOOK, "returnByValue": true, "awaitPromise": true}),
                    );
                    asked.insert(id.unwrap(), session);
                }
                "Runtime.bindingCalled" if params["name"] == "reported" => {
                    one.reports.push(params["payload"].to_string())
                }
                "Runtime.bindingCalled" => one.ran.push(params["payload"].to_string()),
                "Page.javascriptDialogOpening" => {
                    one.ran.push(params["message"].to_string());
                    self.send(Some(&session), "Page.handleJavaScriptDialog", json!({"accept": true}));
                }
                "Log.entryAdded" if params["entry"]["source"] == "security" => {
                    one.reports.push(params["entry"]["text"].to_string())
                }
                "Audits.issueAdded" if params["issue"]["code"] == "ContentSecurityPolicyIssue" => {
                    one.reports.push(params["issue"]["details"].to_string());
                }
                "Network.requestWillBeSent" => {
                    let to = params["request"]["url"].as_str().unwrap_or_default();
                    if !to.starts_with(site) {
                        one.went_out.push(to.to_owned());
                    }
                }
                "Page.windowOpen" | "Page.frameRequestedNavigation" => {
                    one.went_out.push(params["url"].to_string())
                }
                _ => {}
            }
        }
        seen
    }

    fn open(&mut self, session: &str, site: &str, page: &str) {
        self.send(Some(session), "Page.navigate", json!({"url": format!("{site}{page}")}));
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        self.send(None, "Browser.close", json!({}));
        // What is told until it has ended is nobody's.
        while self.next().is_some() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
