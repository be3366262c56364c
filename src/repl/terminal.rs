//! The terminal: reedline around `step`.
//!
//! In: keys. Out: replies on the screen, the history file. Never: an answer of its own. This and `cli` are the only places
//! of the session that touch the outside world.

use super::{
    Ask, Reply, Session,
    complete::{self, Vocabulary},
    edited, prompt,
    session::Files,
    step,
    unfinished::{Paint, paint, unfinished},
};
use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, Completer, CompletionResult, DefaultHinter, EditCommand, Emacs, FileBackedHistory, Highlighter,
    Hinter, History, KeyCode, KeyModifiers, MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline,
    ReedlineEvent, ReedlineMenu, Signal, StyledText, Suggestion, ValidationResult, Validator,
    default_emacs_keybindings,
};
use std::{
    borrow::Cow,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

/// Lines the history keeps.
const HISTORY: usize = 5000;
const MENU: &str = "names";

/// Reads lines until the user leaves.
pub fn run(
    mut session: Session,
    hello: &str,
    history: Option<&str>,
    files: impl Fn() -> Box<dyn Files + Send>,
) -> Result<(), String> {
    let words = Arc::new(Mutex::new(Vocabulary::of(&session)));
    let cancel = session.cancel.clone();
    // While a line is edited the terminal is raw and Ctrl-C is a key; this is for the time a simulation runs.
    ctrlc::set_handler(move || cancel.store(true, Ordering::Relaxed))
        .map_err(|e| format!("cannot listen for Ctrl-C: {e}"))?;
    let color = session.color;
    let mut editor = Reedline::create()
        .with_completer(Box::new(Names { words: words.clone(), files: files() }))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU))))
        .with_edit_mode(Box::new(Emacs::new(keys())))
        .with_validator(Box::new(Finished))
        .with_highlighter(Box::new(Colours { on: color }))
        .with_hinter(Box::new(Hints::default()))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_ansi_colors(color);
    if let Some(path) = history_file(history) {
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        match FileBackedHistory::with_file(HISTORY, path.clone()) {
            Ok(file) => editor = editor.with_history(Box::new(file)),
            Err(e) => eprintln!("{}: {e}; lines are not remembered", path.display()),
        }
    }
    println!("poolcast {}: `:help` shows what can be asked, Ctrl-D leaves", env!("CARGO_PKG_VERSION"));
    if !hello.is_empty() {
        println!("{hello}");
    }
    loop {
        let ask = Mark { place: prompt(&session) };
        match editor.read_line(&ask) {
            Ok(Signal::Success(line)) => {
                session.width = width();
                let mut reply = step(&mut session, &line);
                if let Some(Ask::Edit(text)) = reply.ask.take() {
                    reply = edit(&mut session, &text);
                }
                show(&reply, color);
                if reply.ask == Some(Ask::Quit) {
                    break;
                }
                *words.lock().unwrap_or_else(PoisonError::into_inner) = Vocabulary::of(&session);
            }
            Ok(Signal::CtrlC) => {}
            Ok(Signal::CtrlD) => break,
            Ok(_) => {}
            Err(e) => return Err(format!("the terminal is gone: {e}")),
        }
    }
    let _ = editor.sync_history();
    Ok(())
}

fn show(reply: &Reply, color: bool) {
    if reply.text.is_empty() {
        return;
    }
    // A diagnostic has its own colours.
    if reply.failed && color && !reply.text.contains('\u{1b}') {
        println!("{}", Style::new().fg(Color::Red).paint(&reply.text));
    } else {
        println!("{}", reply.text);
    }
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(w, _)| usize::from(w.0)).clamp(40, 300)
}

/// `--history`, else `$XDG_STATE_HOME/poolcast/history`, else `~/.local/state/poolcast/history`.
fn history_file(given: Option<&str>) -> Option<PathBuf> {
    match given {
        Some("none") => return None,
        Some(file) => return Some(PathBuf::from(file)),
        None => {}
    }
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = var("XDG_STATE_HOME")
        .or_else(|| var("HOME").map(|h| h.join(".local/state")))
        .or_else(|| var("LOCALAPPDATA"))?;
    Some(state.join("poolcast").join("history"))
}

fn edit(session: &mut Session, text: &str) -> Reply {
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|v| std::env::var(v).ok().filter(|e| !e.trim().is_empty()));
    let Some(editor) = editor else {
        return Reply::error("set $VISUAL or $EDITOR, or use `:edit N STATEMENT`");
    };
    let file = std::env::temp_dir().join(format!("poolcast-{}.formula.txt", std::process::id()));
    if let Err(e) = std::fs::write(&file, text) {
        return Reply::error(format!("cannot write {}: {e}", file.display()));
    }
    // `code --wait` is one setting and two words.
    let mut words = editor.split_whitespace();
    let status = std::process::Command::new(words.next().unwrap_or("vi")).args(words).arg(&file).status();
    let reply = match status {
        Ok(status) if status.success() => match std::fs::read_to_string(&file) {
            Ok(new) if new == text => Reply::answer("nothing changed"),
            Ok(new) => edited(session, &new),
            Err(e) => Reply::error(format!("cannot read {}: {e}", file.display())),
        },
        Ok(status) => Reply::error(format!("{editor} ended with {status}; nothing changed")),
        Err(e) => Reply::error(format!("cannot start {editor}: {e}")),
    };
    let _ = std::fs::remove_file(&file);
    reply
}

fn keys() -> reedline::Keybindings {
    let mut keys = default_emacs_keybindings();
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]),
    );
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    // A line break on purpose.
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, ReedlineEvent::Edit(vec![EditCommand::InsertNewline]));
    keys
}

struct Mark {
    place: String,
}

impl Prompt for Mark {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.place)
    }
    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed(". ")
    }
    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}

struct Finished;

impl Validator for Finished {
    fn validate(&self, line: &str) -> ValidationResult {
        if unfinished(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

struct Names {
    words: Arc<Mutex<Vocabulary>>,
    files: Box<dyn Files + Send>,
}

impl Completer for Names {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let found = complete::complete(line, pos, &words, &*self.files);
        let list: Vec<Suggestion> = found
            .into_iter()
            .map(|c| Suggestion {
                value: c.text,
                description: (!c.about.is_empty()).then_some(c.about),
                span: reedline::Span::new(c.span.lo as usize, c.span.hi as usize),
                append_whitespace: c.whole,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(list)
    }
}

struct Colours {
    on: bool,
}

impl Highlighter for Colours {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        let mut out = StyledText::new();
        for (what, span) in paint(line) {
            let style = match what {
                _ if !self.on => Style::new(),
                Paint::Plain | Paint::Variable => Style::new(),
                Paint::Command => Style::new().bold(),
                Paint::Builtin => Style::new().fg(Color::Blue),
                Paint::Service => Style::new().fg(Color::Cyan),
                Paint::Number => Style::new().fg(Color::Magenta),
                Paint::Text => Style::new().fg(Color::Green),
                Paint::Operator => Style::new().fg(Color::Yellow),
                Paint::Comment => Style::new().dimmed(),
                Paint::Wrong => Style::new().fg(Color::Red).underline(),
            };
            out.push((style, span.text(line).to_owned()));
        }
        out
    }
}

/// The history's line, else what the call being typed takes. Only the first can be accepted with a key.
#[derive(Default)]
struct Hints {
    history: DefaultHinter,
    taken: bool,
}

impl Hinter for Hints {
    fn handle(&mut self, line: &str, pos: usize, history: &dyn History, color: bool, cwd: &str) -> String {
        let known = self.history.handle(line, pos, history, color, cwd);
        self.taken = !known.is_empty();
        if self.taken {
            return known;
        }
        match complete::hint(line).filter(|_| pos == line.len()) {
            Some(text) if color => Style::new().dimmed().paint(text).to_string(),
            Some(text) => text,
            None => String::new(),
        }
    }
    fn complete_hint(&self) -> String {
        if self.taken { self.history.complete_hint() } else { String::new() }
    }
    fn next_hint_token(&self) -> String {
        if self.taken { self.history.next_hint_token() } else { String::new() }
    }
}
