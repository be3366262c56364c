//! Pages as a reader sees them: opened in headless Chromium on a phone, a desk and paper.
//!
//! Chromium is driven through its DevTools pipe (one JSON message per NUL, on descriptors 3 and 4), so that no port, driver or
//! script is needed. Where there is no Chromium the tests say so in one line and pass.
//! `POOLCAST_SHOTS=DIR` keeps the screenshots.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The widths of a phone and of a desk.
const WIDTHS: [u32; 2] = [390, 1280];

struct Browser {
    child: Child,
    to: ChildStdin,
    from: mpsc::Receiver<Value>,
    next: u64,
    session: String,
    /// Everything that happened in the page and was not an answer.
    events: Vec<Value>,
    _home: tempfile::TempDir,
}

fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&std::env::var_os("PATH")?)
        .flat_map(|dir| names.map(|n| dir.join(n)))
        .find(|path| path.is_file())
}

fn listen(from: ChildStdout) -> mpsc::Receiver<Value> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut message = Vec::new();
            match from.read_until(0, &mut message) {
                Ok(n) if n > 0 => {
                    message.pop();
                    let Ok(value) = serde_json::from_slice(&message) else { return };
                    if send.send(value).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    });
    receive
}

impl Browser {
    fn start() -> Option<Browser> {
        let Some(path) = chromium() else {
            println!("skipped: there is no Chromium on the path (Debian: apt-get install chromium)");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        // The pipe is descriptors 3 (in) and 4 (out) of the browser; here they are our ends of its stdin and stdout.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(path)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), listen(child.stdout.take().unwrap()));
        let mut b = Browser { child, to, from, next: 0, session: String::new(), events: Vec::new(), _home: home };
        let target = b.ask("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let s = b.ask("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        b.session = s["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            b.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(b)
    }

    fn receive(&mut self) -> Value {
        self.from.recv_timeout(Duration::from_secs(60)).expect("Chromium answers within a minute")
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.receive();
            if answer["id"] == self.next {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// The value of a JavaScript expression in the page.
    fn value(&mut self, expression: &str) -> Value {
        self.ask("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}))["result"]["value"]
            .clone()
    }

    fn open(&mut self, page: &Path, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", scheme);
        self.events.clear();
        self.ask("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        while !self.events.iter().any(|e| e["method"] == "Page.loadEventFired") {
            let event = self.receive();
            self.events.push(event);
        }
    }

    fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.ask("Page.captureScreenshot", json!({"captureBeyondViewport": true, "format": "png"}));
        base64(shot["data"].as_str().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'=').map(digit).collect();
    let whole = digits.chunks(4).flat_map(|c| {
        let bits = c.iter().fold(0u32, |sum, d| sum << 6 | *d as u32) << (6 * (4 - c.len()));
        bits.to_be_bytes()[1..c.len()].to_vec()
    });
    whole.collect()
}

/// What is wrong with a page in words; what is right is silence.
const WRONG: &str = r#"(() => {
    const wrong = [];
    const all = (what) => [...document.querySelectorAll(what)];
    document.querySelectorAll("details").forEach(d => d.open = true);
    const wide = document.documentElement.scrollWidth, there = window.innerWidth;
    if (wide > there) {
        const which = all("body *").filter(e => !e.closest(".scroll") && e.getBoundingClientRect().right > there + 1);
        wrong.push(`${wide} px wide on ${there}: ${which.slice(0, 3).map(e => e.outerHTML.slice(0, 90)).join(" ")}`);
    }
    for (const e of all("[src],link[href],image,use,script,iframe"))
        if (!(e.getAttribute("href") ?? e.getAttribute("src") ?? "").startsWith("data:"))
            wrong.push("from elsewhere: " + e.outerHTML.slice(0, 90));
    for (const e of all("svg")) {
        const named = (e.getAttribute("aria-labelledby") ?? "").split(" ").map(id => document.getElementById(id)?.textContent);
        if (e.getAttribute("role") !== "img" || named.length < 2 || !named.every(Boolean)) wrong.push("no words: " + e.outerHTML.slice(0, 90));
        // Names that a reader sees must not lie on one another.
        if (!e.getClientRects().length) continue;
        const words = [...e.querySelectorAll("text")].filter(t => t.textContent.length > 1).map(t => [t.firstChild.textContent, t.getBoundingClientRect()]);
        words.forEach(([a, p], i) => words.slice(i + 1).forEach(([b, q]) => {
            if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 3)
                wrong.push(`in "${named[0]}", "${a}" lies on "${b}"`);
        }));
        const frame = e.getBoundingClientRect();
        for (const [a, p] of words) if (p.left < frame.left - 1 || p.right > frame.right + 1) wrong.push(`in "${named[0]}", "${a}" is cut`);
        for (const [a, p] of words) if (p.height < 8) wrong.push(`in "${named[0]}", "${a}" is ${p.height.toFixed(1)} px high`);
    }
    const ids = all("[id]").map(e => e.id);
    for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) wrong.push("twice: #" + id);
    for (const e of all("th")) if (!e.scope) wrong.push("header of nothing: " + e.outerHTML);
    const levels = all("h1,h2,h3").map(e => +e.tagName[1]);
    levels.forEach((l, i) => { if (l > (levels[i - 1] ?? 0) + 1) wrong.push("a heading skips a level: " + i); });
    return wrong;
})()"#;

/// Looks at a page at both widths, light and dark, and on paper.
fn look(browser: &mut Browser, page: &Path, name: &str) {
    let shots = std::env::var_os("POOLCAST_SHOTS").map(PathBuf::from);
    let keep = |file: String, bytes: &[u8]| {
        if let Some(dir) = &shots {
            fs::write(dir.join(file), bytes).unwrap();
        }
    };
    for width in WIDTHS {
        for scheme in ["light", "dark"] {
            browser.open(page, width, scheme);
            let at = format!("{name}-{width}-{scheme}");
            let shot = browser.screenshot();
            keep(format!("{at}.png"), &shot);
            assert!(shot.starts_with(b"\x89PNG") && shot.len() > 20_000, "{at}: an empty picture");
            let wrong = browser.value(WRONG);
            assert_eq!(wrong, json!([]), "{at}");
            for event in &browser.events {
                let requested = &event["params"]["request"]["url"];
                match event["method"].as_str().unwrap_or("") {
                    "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                        panic!("{at}: the console says {event}")
                    }
                    "Network.requestWillBeSent" => {
                        let url = requested.as_str().unwrap_or("");
                        let own =
                            url.starts_with("file://") && url.ends_with(page.file_name().unwrap().to_str().unwrap());
                        assert!(own || url.starts_with("data:"), "{at}: the page asks for {url}");
                    }
                    _ => {}
                }
            }
        }
    }
    let pdf = browser.ask("Page.printToPDF", json!({"printBackground": false}));
    let pdf = base64(pdf["data"].as_str().unwrap());
    keep(format!("{name}.pdf"), &pdf);
    assert!(pdf.starts_with(b"%PDF"));
}

fn poolcast(args: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_poolcast"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn the_report_reads_well_on_a_phone_a_desk_and_paper() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    for scenario in ["spot_fallback", "slots_and_packing"] {
        let page = dir.path().join(format!("{scenario}.html"));
        let from = format!("examples/scenarios/{scenario}.toml");
        poolcast(&["simulate", &from, "--report", page.to_str().unwrap()]);
        look(&mut browser, &page, scenario);
    }
}

#[test]
fn the_comparison_reads_well_on_a_phone_a_desk_and_paper() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("compare.html");
    let formulas = ["backlog", "spot_with_floor", "gentle_shrink"].map(|f| format!("examples/formulas/{f}.txt"));
    let mut args = vec!["compare", "examples/scenarios/spot_fallback.toml", "-"];
    args.extend(formulas.iter().map(String::as_str));
    args.extend(["--seeds", "3", "--until", "1d", "--report", page.to_str().unwrap()]);
    poolcast(&args);
    let text = fs::read_to_string(&page).unwrap();
    for said in ["Nothing is both cheaper and faster than", "95 % confidence over 3 seeds", "Target nodes of"] {
        assert!(text.contains(said), "{said}");
    }
    look(&mut browser, &page, "compare");
}
