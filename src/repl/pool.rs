//! A simulated pool in a session: where it comes from, what is done to it, how it is copied.
//!
//! In: scenarios, formulas, words of commands. Out: a `Future`, changed, or a sentence about what is wrong. Never: a rule
//! of the pool.

use super::{
    Reply, language, run,
    session::{Session, State},
    show, words,
};
use crate::{
    Inputs, Rules,
    sim::{
        PoolView, Simulation,
        autoscale::Compiler,
        config::{Action, Config, DAY, MINUTE, Ms, NEVER, PoolConfig},
        knobs,
        sampler::ticks,
        workload::Workload,
        world::{AllocationState, NodeState, PoolState},
    },
    wire::scenario::{Overrides, Scenario},
};
use poolcast_runtime::{
    ticks::{Interval, Ticks},
    value::DeallocationOption,
};
use std::{rc::Rc, sync::Arc};

/// The name of the first simulation of a session.
const MAIN: &str = "main";
/// How far past a scenario's horizon a session may go on.
const FAR: Ms = 3660 * DAY;
/// Most futures of a session: each holds its own copy of what it lived through.
const MOST_FUTURES: usize = 32;

/// One future: a simulation at an instant. A clone is a fork and shares everything until one of them moves.
#[derive(Debug, Clone)]
pub struct Future {
    sim: Rc<Simulation>,
    /// The pool commands are about: its position among the pools.
    pub(super) focus: u32,
    /// Where it came from.
    pub scenario: String,
    /// Where `:run` without an end goes.
    pub(super) horizon: Ms,
    /// The formula of the pool in focus.
    pub(super) formula: String,
    /// How many jobs were submitted by hand.
    pub(super) submitted: u32,
    /// The scenario, for the report; its workload is the simulation's.
    pub(super) origin: Rc<Scenario>,
}

impl Future {
    /// From a scenario, everything at its first instant done.
    pub(super) fn start(scenario: Scenario, rules: Rules) -> Result<Future, String> {
        let origin = Rc::new(scenario);
        let Scenario { name, mut config, workload, .. } = (*origin).clone();
        let horizon = config.horizon;
        config.horizon = horizon.max(FAR);
        config.output.node_history = true;
        config.output.task_records = true;
        config.output.every_metric = true;
        let formula = config.pools.first().and_then(|p| p.formula.clone()).unwrap_or_default();
        let compiler = Compiler::of_formulas(crate::Options { rules, ..crate::Options::default() });
        let mut sim = Simulation::new(config, Arc::new(workload), compiler).map_err(|e| e.to_string())?;
        sim.run_until(0);
        // An empty pool of fixed size is made in two seconds; before that it refuses every resize.
        let empty = |p: PoolView| !p.autoscale && p.target == [0, 0] && p.allocation != AllocationState::Steady;
        while sim.now() < MINUTE && sim.pools().any(empty) {
            let Some(next) = sim.next_at() else { break };
            sim.run_until(next);
        }
        Ok(Future { sim: Rc::new(sim), focus: 0, scenario: name, horizon, formula, submitted: 0, origin })
    }
    /// The simulation.
    pub fn sim(&self) -> &Simulation {
        &self.sim
    }
    /// The simulation, to be changed: copied first when a state behind us still needs it.
    pub(super) fn sim_mut(&mut self) -> &mut Simulation {
        Rc::make_mut(&mut self.sim)
    }
    /// The instant.
    pub fn now(&self) -> Ticks {
        self.at(self.sim.now())
    }
    /// The instant of a simulated time.
    pub(super) fn at(&self, at: Ms) -> Ticks {
        ticks(self.sim.config().epoch, at)
    }
    /// The simulated time of an instant.
    pub(super) fn ms(&self, at: Ticks) -> Ms {
        (at.0.saturating_sub(self.sim.config().epoch.0)).div_euclid(10_000)
    }
    /// The pool commands are about; none before the scenario creates one.
    pub fn pool(&self) -> Option<PoolView> {
        self.sim.pools().nth(self.focus as usize)
    }
    /// What a formula of that pool would see now.
    pub fn inputs(&self, rules: &Rules) -> Inputs {
        self.inputs_at(rules, self.sim.now(), None)
    }
    /// What it saw at an evaluation: (targets, nodes) of then.
    pub(super) fn inputs_at(&self, rules: &Rules, at: Ms, then: Option<([u32; 2], [u32; 2])>) -> Inputs {
        let mut inputs = Inputs::at_ticks(self.at(at));
        if let Some(pool) = self.pool() {
            let (target, current) = then.unwrap_or((pool.target, pool.current));
            inputs.series = (*self.sim.samples(self.focus)).clone();
            inputs.targets = target.map(f64::from);
            inputs.current = current.map(f64::from);
            inputs.task_slots = f64::from(pool.task_slots);
        }
        let _ = rules;
        inputs
    }
    /// Whether both stand on the same simulation.
    pub(super) fn shares(&self, other: &Future) -> bool {
        Rc::ptr_eq(&self.sim, &other.sim)
    }
    /// Bytes of its own, by estimate: unfinished tasks, nodes, open log blocks.
    pub(super) fn weight(&self) -> usize {
        let (_, _, live) = self.sim.task_totals();
        let nodes = self.sim.world().nodes.len();
        64 * 1024 + live as usize * 96 + nodes * 192 + self.sim.output().tasks.len() / 16
    }
    /// Settings of the pool in focus.
    pub(super) fn pool_config(&self) -> Option<&PoolConfig> {
        self.sim.world().pools.get(self.focus as usize).map(|p| &*p.cfg)
    }
    /// The account of the pool in focus.
    fn account(&self) -> usize {
        self.pool_config().map_or(0, |c| c.account)
    }
    /// Lets what happens at this very instant happen.
    fn settle(&mut self) {
        let now = self.sim.now();
        self.sim_mut().run_until(now);
    }
    pub(super) fn act(&mut self, action: &Action) -> Result<(), String> {
        self.sim_mut().act(action).map_err(|r| r.to_string())?;
        self.settle();
        Ok(())
    }
}

/// The simulated pool we are at, or how to get one.
pub(super) fn here(state: &State) -> Result<&Future, Reply> {
    state.future().ok_or_else(|| {
        Reply::error(
            "no simulated pool here yet\n\
             `:sim` makes one with the formula entered so far; `:sim FILE` starts a scenario",
        )
    })
}

pub(super) fn here_mut(state: &mut State) -> Result<&mut Future, Reply> {
    here(state)?;
    let name = state.here.clone().unwrap_or_default();
    state.futures.get_mut(&name).ok_or_else(|| Reply::error("no simulated pool here"))
}

/// `:sim [FILE] [knob=value…]`
pub(super) fn sim(session: &mut Session, args: &str) -> Reply {
    let mut file = None;
    let mut set = Vec::new();
    for word in args.split_whitespace() {
        match word.split_once('=') {
            Some((knob, value)) => {
                if let Err(e) = knobs::find(knob.split_once(':').map_or(knob, |(_, k)| k)) {
                    return Reply::error(e.to_string());
                }
                set.push((knob.to_owned(), value.to_owned()));
            }
            None if file.is_none() => file = Some(word.to_owned()),
            None => {
                return Reply::error(format!("one scenario at a time: what is `{word}`? knobs are set as knob=value"));
            }
        }
    }
    let scenario = match &file {
        Some(name) if [".toml", ".json"].iter().any(|e| name.to_ascii_lowercase().ends_with(e)) => {
            let set = set.iter().map(|(k, v)| format!("{k}={v}")).collect();
            session.files.scenario(name, &Overrides { set, ..Overrides::default() })
        }
        Some(name) => session.files.read(name).and_then(|text| bare_pool(&session.state, Some(text), name, &set)),
        None => {
            let text = session.state.formula();
            bare_pool(&session.state, (!text.is_empty()).then_some(text), "a pool of its own", &set)
        }
    };
    let scenario = match scenario {
        Ok(scenario) => scenario,
        Err(why) => return Reply::error(why),
    };
    let about = scenario.about.clone();
    let tasks = scenario.workload.len();
    let future = match Future::start(scenario, session.state.rules) {
        Ok(future) => future,
        Err(why) => return Reply::error(why),
    };
    let mut out = format!("{}: it is {} ({})", future.scenario, show::time(future.now()), show::weekday(future.now()));
    if !about.is_empty() {
        out.push_str(&format!("\n{about}"));
    }
    out.push('\n');
    out.push_str(&facts(&future));
    if tasks > 0 {
        out.push_str(&format!("{} will arrive\n", words::count(tasks as i64, "task")));
    }
    let mut refused = String::new();
    for r in future.sim.output().refused.iter() {
        refused.push_str(&format!("refused: {}: {}\n", r.what, r.refusal));
    }
    out.push_str(&refused);
    if session.state.program.is_empty() && !future.formula.is_empty() {
        let loaded = language::load(session, "formula", &future.formula);
        if !loaded.failed {
            out.push_str("its formula is now the session's: ask for any of its variables by name\n");
        }
    }
    session.state.futures.insert(MAIN.into(), future);
    session.state.here = Some(MAIN.into());
    out.push_str("`:run 1h` lets time pass, `:submit 20 tasks of 10m` gives it work, `:pool` shows it\n");
    Reply::answer(out)
}

/// A scenario of one pool with default knobs, at the hand-made instant.
fn bare_pool(state: &State, formula: Option<String>, name: &str, set: &[(String, String)]) -> Result<Scenario, String> {
    let pool = PoolConfig {
        formula,
        target_dedicated: state.hand.targets[0] as u32,
        target_spot: state.hand.targets[1] as u32,
        task_slots: state.hand.task_slots as u32,
        ..PoolConfig::default()
    };
    let mut config = Config { epoch: state.hand.now, pools: vec![pool], seed: state.hand.seed, ..Config::default() };
    for (knob, value) in set {
        knobs::set(&mut config, knob, value).map_err(|e| e.to_string())?;
    }
    let workload = Workload { epoch: config.epoch, ..Workload::default() };
    Ok(Scenario {
        name: name.to_owned(),
        about: String::new(),
        config,
        workload,
        imported: None,
        prices: String::new(),
    })
}

/// What the pool is made of, in one or two lines.
pub(super) fn facts(future: &Future) -> String {
    let Some(cfg) = future.pool_config() else { return "no pool exists yet; the scenario creates one later\n".into() };
    let world = future.sim.world();
    let account = &world.accounts[future.account()];
    let cores = cfg.vm.vcpus.max(1);
    let how = if cfg.formula.is_some() || !future.formula.is_empty() {
        format!("evaluated every {}", words::show(Interval(cfg.autoscale.interval * 10_000)))
    } else {
        "fixed targets, no formula".to_owned()
    };
    format!(
        "pool {}: {} ({} each, {} per node), {how}; quota {} dedicated and {} low-priority cores: at most {} and {} nodes\n",
        cfg.id,
        cfg.vm.name,
        words::count(i64::from(cfg.vm.vcpus), "core"),
        words::count(i64::from(cfg.task_slots), "task slot"),
        account.dedicated,
        account.spot,
        account.dedicated / cores,
        account.spot / cores,
    )
}

/// `:quota 40 [spot 20]`
pub(super) fn quota(session: &mut Session, args: &str) -> Reply {
    let future = match here_mut(&mut session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let account = future.account();
    let (mut dedicated, mut spot, mut class) = (None, None, 0);
    for word in args.split([' ', ',']).filter(|w| !w.is_empty()) {
        match (word.to_ascii_lowercase().as_str(), word.parse::<u32>()) {
            ("spot" | "lowpriority" | "low-priority", _) => class = 1,
            ("dedicated", _) => class = 0,
            ("core" | "cores" | "=", _) => {}
            (_, Ok(n)) if class == 0 => dedicated = Some(n),
            (_, Ok(n)) => spot = Some(n),
            _ => {
                return Reply::error(format!(
                    "`{word}` is no number of cores; write `:quota 40` or `:quota 40 spot 20`"
                ));
            }
        }
    }
    if (dedicated.is_some() || spot.is_some())
        && let Err(why) = future.act(&Action::SetQuota { account, dedicated_cores: dedicated, spot_cores: spot })
    {
        return Reply::error(why);
    }
    let a = &future.sim.world().accounts[account];
    let cores = future.pool_config().map_or(1, |c| c.vm.vcpus.max(1));
    Reply::answer(format!(
        "quota: {} dedicated cores (room for {}) and {} low-priority cores (room for {})",
        a.dedicated,
        show::nodes(a.dedicated / cores, 0),
        a.spot,
        show::nodes(a.spot / cores, 1)
    ))
}

/// `:preempt 30% | 5 | node 7`
pub(super) fn preempt(session: &mut Session, args: &str) -> Reply {
    let future = match here_mut(&mut session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let nodes: Vec<u32> = {
        let world = future.sim.world();
        let up = |n: &u32| {
            let node = &world.nodes[*n as usize];
            node.class as usize == 1 && !matches!(node.state, NodeState::Preempted | NodeState::LeavingPool)
        };
        future.sim.nodes_of(future.focus).into_iter().filter(up).collect()
    };
    let (first, rest) = words::first(args);
    let chosen: Vec<u32> = if first == "node" {
        match rest.parse() {
            Ok(node) => vec![node],
            Err(_) => return Reply::error("write `:preempt node 7`; `:nodes` lists them"),
        }
    } else {
        let n = match first.strip_suffix('%') {
            Some(percent) => percent
                .parse::<f64>()
                .ok()
                .filter(|p| (0.0..=100.0).contains(p))
                .map(|p| (p * nodes.len() as f64 / 100.0).round() as usize),
            None => first.parse::<usize>().ok(),
        };
        let Some(n) = n else { return Reply::error("write `:preempt 30%`, `:preempt 5` or `:preempt node 7`") };
        let n = n.min(nodes.len());
        // Spread over the ids, so that old and young nodes go alike.
        (0..n).map(|i| nodes[i * nodes.len() / n]).collect()
    };
    if nodes.is_empty() && first != "node" {
        return Reply::error("this pool has no Spot or low-priority nodes that could be taken; dedicated ones stay");
    }
    let mark = run::Mark::of(future);
    for node in &chosen {
        if let Err(why) = future.act(&Action::PreemptNode { node: *node }) {
            return Reply::error(why);
        }
    }
    let mut out = format!("{} of {} preempted\n", chosen.len(), show::nodes(nodes.len() as i64, 1));
    out.push_str(&run::news(future, &mark));
    Reply::answer(out)
}

/// `:resize 5 [spot 3] [taskcompletion]`
pub(super) fn resize(session: &mut Session, args: &str) -> Reply {
    let future = match here_mut(&mut session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let Some(pool) = future.pool() else { return Reply::error("no pool exists yet") };
    let (mut dedicated, mut spot, mut option, mut class) = (None, None, None, 0);
    for word in args.split([' ', ',']).filter(|w| !w.is_empty()) {
        match (word.to_ascii_lowercase().as_str(), word.parse::<u32>(), DeallocationOption::from_keyword(word)) {
            ("spot" | "lowpriority" | "low-priority", ..) => class = 1,
            ("dedicated", ..) => class = 0,
            ("node" | "nodes" | "to", ..) => {}
            (_, Ok(n), _) if class == 0 => dedicated = Some(n),
            (_, Ok(n), _) => spot = Some(n),
            (_, _, Some(o)) => option = Some(o),
            _ => {
                return Reply::error(format!(
                    "`{word}` is not understood; write `:resize 5`, `:resize 5 spot 3`, `:resize 0 taskcompletion`"
                ));
            }
        }
    }
    if dedicated.is_none() && spot.is_none() {
        return Reply::error("how many nodes? write `:resize 5` or `:resize 5 spot 3`");
    }
    let action = Action::Resize { pool: pool.id.clone(), dedicated, spot, timeout: None, option };
    match future.act(&action) {
        Ok(()) => {
            let pool = future.pool().unwrap_or(pool);
            Reply::answer(format!(
                "pool {} is {}: {} and {} wanted; `:until ready` waits for them",
                pool.id,
                pool.allocation.name(),
                show::nodes(pool.target[0], 0),
                show::nodes(pool.target[1], 1)
            ))
        }
        Err(why) if why.contains("PoolBeingResized") => {
            Reply::error(format!("{why}\n`:until steady` waits for the end of it"))
        }
        Err(why) if pool.autoscale => {
            Reply::error(format!("{why}\n`:formula off` disables autoscale first, as the service wants it"))
        }
        Err(why) => Reply::error(why),
    }
}

/// `:formula [FILE | off | show]`
pub(super) fn formula(session: &mut Session, args: &str) -> Reply {
    if let Err(reply) = here(&session.state) {
        return reply;
    }
    let args = args.trim();
    let mut out = String::new();
    if args == "show" {
        let text = here(&session.state).map_or(String::new(), |f| f.formula.clone());
        return Reply::answer(if text.is_empty() {
            "the pool has no formula; its targets are fixed".into()
        } else {
            text
        });
    }
    if !args.is_empty() && args != "off" {
        let text = match session.files.read(args) {
            Ok(text) => text,
            Err(why) => return Reply::error(why),
        };
        let reply = language::load(session, args, &text);
        if reply.failed {
            return reply;
        }
        out.push_str(&reply.text);
        out.push('\n');
    }
    let text = session.state.formula();
    let future = match here_mut(&mut session.state) {
        Ok(future) => future,
        Err(reply) => return reply,
    };
    let Some(pool) = future.pool() else { return Reply::error("no pool exists yet") };
    let mark = run::Mark::of(future);
    let done = if args == "off" {
        future.formula.clear();
        future.act(&Action::DisableAutoscale { pool: pool.id.clone() })
    } else if text.is_empty() {
        return Reply::error("no formula yet: type its statements, or `:formula FILE`");
    } else {
        future.formula = text.clone();
        future.act(&Action::EnableAutoscale { pool: pool.id.clone(), formula: Some(text), interval: None })
    };
    if let Err(why) = done {
        return Reply::error(format!("{out}{why}"));
    }
    out.push_str(if args == "off" {
        "autoscale is off; `:resize` sets the targets now\n"
    } else {
        "the pool has the session's formula now\n"
    });
    out.push_str(&run::news(future, &mark));
    Reply::answer(out)
}

/// `:fork NAME`
pub(super) fn fork(session: &mut Session, args: &str) -> Reply {
    let name = args.trim();
    if name.is_empty() || name.contains(char::is_whitespace) || name == HAND {
        return Reply::error("a fork needs a name of one word: `:fork more-quota`");
    }
    if session.state.futures.contains_key(name) {
        return Reply::error(format!("there is a future named `{name}` already; `:switch {name}` goes there"));
    }
    if session.state.futures.len() >= MOST_FUTURES {
        return Reply::error(format!(
            "{MOST_FUTURES} futures are the most a session holds; `:undo` drops the last ones"
        ));
    }
    let future = match here(&session.state) {
        Ok(future) => future.clone(),
        Err(reply) => return reply,
    };
    let from = session.state.here.clone().unwrap_or_default();
    let at = show::time(future.now());
    session.state.futures.insert(name.to_owned(), future);
    session.state.here = Some(name.to_owned());
    Reply::answer(format!(
        "{name}: a copy of {from} at {at}; we are in it now, `:switch {from}` goes back, `:diff {from} {name}` compares"
    ))
}

/// The name of the hand-made world among the futures.
pub const HAND: &str = "hand";

/// `:switch [NAME | hand]`
pub(super) fn switch(session: &mut Session, args: &str) -> Reply {
    let name = args.trim();
    let state = &mut session.state;
    if name.is_empty() {
        return Reply::answer(futures(state));
    }
    if name == HAND {
        state.here = None;
        return Reply::answer(format!(
            "in the hand-made world; it is {}\n{}",
            show::time(state.now()),
            language::asks(state)
        ));
    }
    if !state.futures.contains_key(name) {
        let names = state.futures.keys().map(String::as_str).chain([HAND]);
        return Reply::error(format!("no future is named `{name}`{}\n{}", words::near(name, names), futures(state)));
    }
    state.here = Some(name.to_owned());
    Reply::answer(format!("in {name}; it is {}", show::time(state.now())))
}

fn futures(state: &State) -> String {
    let mut rows = vec![vec!["".to_owned(), "name".to_owned(), "now".to_owned(), "what".to_owned()]];
    let mark = |here: bool| if here { "→".to_owned() } else { " ".to_owned() };
    rows.push(vec![mark(state.here.is_none()), HAND.into(), show::time(state.hand.now), "the hand-made world".into()]);
    for (name, f) in &state.futures {
        rows.push(vec![
            mark(state.here.as_deref() == Some(name)),
            name.clone(),
            show::time(f.now()),
            f.scenario.clone(),
        ]);
    }
    show::columns(&rows)
}

/// `:pool [ID]`: which pool, when there are several.
pub(super) fn focus(session: &mut Session, id: &str) -> Result<(), Reply> {
    let future = here_mut(&mut session.state)?;
    let ids: Vec<String> = future.sim.pools().map(|p| p.id).collect();
    match ids.iter().position(|p| p.eq_ignore_ascii_case(id)) {
        Some(at) => {
            future.focus = at as u32;
            let own = future.pool_config().and_then(|c| c.formula.clone());
            future.formula = own.unwrap_or_default();
            Ok(())
        }
        None => Err(Reply::error(format!(
            "no pool is named `{id}`{}; there {}",
            words::near(id, ids.iter().map(String::as_str)),
            if ids.is_empty() { "is none yet".to_owned() } else { format!("is {}", ids.join(", ")) }
        ))),
    }
}

/// Tasks that will still come by themselves.
pub(super) fn to_come(future: &Future) -> u64 {
    let sim = &future.sim;
    let now = sim.now();
    let submit = &sim.workload().submit_ms;
    let bulk = (submit.len() - submit.partition_point(|t| *t as Ms <= now)) as u64;
    let later = |j: &crate::sim::world::Job| j.cfg.tasks.iter().filter(|t| j.created + t.submit > now).count() as u64;
    let explicit: u64 = sim.world().jobs.iter().map(later).sum();
    bulk + explicit
}

/// Whether a pool still exists.
pub(super) fn exists(pool: &PoolView) -> bool {
    pool.state != PoolState::Removed
}

/// A duration of the simulator in words.
pub(super) fn span(ms: Ms) -> String {
    if ms >= NEVER { "for ever".into() } else { words::show(Interval((ms - ms % 1000).max(ms.min(999)) * 10_000)) }
}

/// The least step worth looking at between two looks at the world.
pub(super) const LOOK: Ms = 30 * MINUTE;
