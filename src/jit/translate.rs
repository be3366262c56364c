//! Program → Cranelift IR: one match arm for each instruction and terminator.
//!
//! In: a verified program, which variables to keep. Out: a function of `code::Entry`'s signature. Never: a rule of the
//! language.
//!
//! Status: low half 0 finished, 1 stopped, 2 an instruction trapped, 3 a block ends in a trap; high half the statement,
//! instruction or block.

use super::{
    JitError,
    flat::{Flat, Joined},
    late::{self, Late},
    scalar,
};
use crate::ir::{Input, Inst, List, Program, Reduce, Term, Val, WindowId, lower};
use cranelift::codegen::{
    ir::{BlockArg, Endianness, Function, MemFlagsData, SigRef, StackSlot},
    isa::{CallConv, TargetIsa},
};
use cranelift::prelude::*;
use poolcast_runtime::{
    abi::{self, Arg, HostOp, InputLayout, RawSlot, ViewLayout},
    rules::NanCondition,
    scalar::ScalarOp,
    target::MAX_NODES,
    ty::Ty,
    window::WindowSpec,
};

/// Status words.
pub(super) mod status {
    pub const FINISHED: u64 = 0;
    pub const STOPPED: u64 = 1;
    pub const INST: u64 = 2;
    pub const BLOCK: u64 = 3;
}

/// What a run must know of the code besides its address.
pub(super) struct Translated {
    /// Targets the code leaves to be judged.
    pub late: Vec<Late>,
    /// Whether the code looks at its host.
    pub calls: bool,
}

/// Which variables a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Targets and the deallocation option: what a pool needs.
    Outputs,
    /// Every one.
    All,
}

struct Translate<'p, 'b> {
    p: &'p Program,
    keep: Keep,
    b: FunctionBuilder<'b>,
    /// Cranelift values of each value that is no constant; a vector is pointer and length.
    vals: Vec<[Option<Value>; 2]>,
    /// Constants by type and bits, made where they are needed; of the present block and those it follows for certain.
    constants: Vec<(Type, i64, Value)>,
    blocks: Vec<Block>,
    flat: Flat,
    /// By value: a target judged after the code.
    late: Vec<bool>,
    /// By value: whether anything needs it as a number, not only as a condition.
    number: Vec<bool>,
    host: Value,
    frame: Value,
    views: Value,
    inputs: Value,
    /// The last window's numbers, in the order of their layout.
    last: [Value; 4],
    /// The value in the first output's slot so far.
    dedicated: Option<Val>,
    host_sig: Option<SigRef>,
    reduce_sig: Option<SigRef>,
    unary_sig: Option<SigRef>,
    cells: Option<StackSlot>,
}

const PTR: Type = types::I64;

/// Build the function; gives the targets that are left to judge when it has run.
pub(super) fn translate(
    p: &Program,
    keep: Keep,
    isa: &dyn TargetIsa,
    func: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Result<Translated, JitError> {
    if isa.pointer_type() != PTR || isa.endianness() != Endianness::Little {
        return Err(JitError("only 64-bit little-endian hosts".into()));
    }
    // As `code::Entry` has it.
    let x64 = cfg!(target_arch = "x86_64");
    let mut sig = Signature::new(if x64 { CallConv::SystemV } else { isa.default_call_conv() });
    sig.params.extend([AbiParam::new(PTR); 4]);
    sig.params.extend([AbiParam::new(types::F64); 4]);
    sig.returns.push(AbiParam::new(types::I64));
    sig.returns.push(AbiParam::new(if x64 { types::F64 } else { types::I64 }));
    func.signature = sig;
    let frontend = isa.frontend_config();
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let [host, frame, views, inputs] = [0, 1, 2, 3].map(|i| b.block_params(entry)[i]);
    let last = [4, 5, 6, 7].map(|i| b.block_params(entry)[i]);
    let mut t = Translate {
        p,
        keep,
        b,
        vals: vec![[None; 2]; p.insts.len()],
        constants: Vec::with_capacity(16),
        blocks: Vec::new(),
        flat: Flat::new(p),
        late: vec![false; p.insts.len()],
        number: numbers(p),
        host,
        frame,
        views,
        inputs,
        last,
        dedicated: None,
        host_sig: None,
        reduce_sig: None,
        unary_sig: None,
        cells: None,
    };
    let late = late::late(p);
    for late in &late {
        t.late[late.target.ix()] = true;
    }
    for i in 0..p.blocks.len() {
        // A block that goes on in the one before it is never jumped to.
        let block = if i == 0 || t.flat.absorbed[i] { entry } else { t.b.create_block() };
        t.blocks.push(block);
    }
    for i in 0..p.blocks.len() {
        t.block(i, isa)?;
    }
    t.b.seal_all_blocks();
    let calls = t.host_sig.is_some();
    t.b.finalize(frontend);
    Ok(Translated { late, calls })
}

/// Whether the newest sample tells a reduction. Of a window of one sample or none, the extremes are that sample; NaN, which
/// no comparison holds for, is none.
pub(super) fn newest_tells(p: &Program, kind: Reduce, w: WindowId) -> bool {
    use Reduce::*;
    matches!(p.windows[w.0 as usize], WindowSpec::Last { count: 1, .. })
        && matches!(kind, Min | Max | MinFrom | MaxFrom | LastOrZero)
}

/// Which values are needed as such. A comparison that only decides is made where it decides.
fn numbers(p: &Program) -> Vec<bool> {
    let mut number: Vec<bool> =
        p.insts.iter().map(|i| !matches!(i, Inst::Binary(op, ..) if lower::is_comparison(*op))).collect();
    let mut need = |v: Val| number[v.ix()] = true;
    for (inst, live) in p.insts.iter().zip(&p.live) {
        match *inst {
            _ if !live => {}
            Inst::Select(_, a, b) => [a, b].into_iter().for_each(&mut need),
            ref inst => p.operands(inst, &mut need),
        }
    }
    for block in &p.blocks {
        if let Term::Goto(_, Some(v)) = block.term {
            need(v);
        }
    }
    number
}

/// Type and bits of a constant.
fn constant(inst: &Inst) -> Option<(Type, i64)> {
    Some(match *inst {
        Inst::Double(bits) => (types::F64, bits as i64),
        Inst::Interval(t) | Inst::Time(t) => (types::I64, t),
        Inst::Str(s) => (types::I64, i64::from(s)),
        Inst::Option(o) => (types::I64, o as i64),
        Inst::Metric(m) => (types::I64, m as i64),
        _ => return None,
    })
}

impl Translate<'_, '_> {
    fn block(&mut self, i: usize, isa: &dyn TargetIsa) -> Result<(), JitError> {
        let block = self.p.blocks[i];
        if i > 0 && !self.flat.absorbed[i] {
            self.enter(self.blocks[i]);
        }
        for v in block.lo..block.hi {
            let needless = self.flat.holds[v as usize] || !self.number[v as usize];
            if self.p.live[v as usize] && !needless {
                self.inst(v, i, isa)?;
            }
        }
        if self.flat.silent[i] {
            return Ok(());
        }
        match block.term {
            Term::Goto(to, v) => {
                let mut args = Vec::new();
                if let Some(v) = v {
                    args.extend(self.pair(v)?.into_iter().flatten().map(BlockArg::from));
                }
                self.b.ins().jump(self.blocks[to.0 as usize], &args);
            }
            Term::Branch(c, yes, no) => {
                let flag = self.flag(c)?;
                self.b.ins().brif(flag, self.blocks[yes.0 as usize], &[], self.blocks[no.0 as usize], &[]);
            }
            Term::Finish => self.ret(status::FINISHED)?,
            Term::Stop(s) => self.ret(status::STOPPED | u64::from(s) << 32)?,
            Term::Trap(_) => self.ret(status::BLOCK | (i as u64) << 32)?,
        }
        Ok(())
    }

    fn enter(&mut self, block: Block) {
        self.b.switch_to_block(block);
        self.constants.clear();
    }

    /// Return a status and, once it is assigned, the first output.
    fn ret(&mut self, word: u64) -> Result<(), JitError> {
        let word = self.int(word as i64);
        let dedicated = match self.dedicated {
            Some(v) => self.one(v)?,
            None => self.double(0.0),
        };
        self.give(word, dedicated);
        Ok(())
    }

    /// Return as `code::Ended` has it.
    fn give(&mut self, word: Value, dedicated: Value) {
        let dedicated = match cfg!(target_arch = "x86_64") {
            true => dedicated,
            false => self.b.ins().bitcast(types::I64, MemFlagsData::new(), dedicated),
        };
        self.b.ins().return_(&[word, dedicated]);
    }

    fn double(&mut self, x: f64) -> Value {
        self.constant(types::F64, x.to_bits() as i64)
    }

    fn int(&mut self, x: i64) -> Value {
        self.constant(types::I64, x)
    }

    fn constant(&mut self, ty: Type, bits: i64) -> Value {
        let known = self.constants.iter().find(|(t, b, _)| (*t, *b) == (ty, bits));
        if let Some((_, _, value)) = known {
            return *value;
        }
        let value = match ty {
            types::F64 => self.b.ins().f64const(f64::from_bits(bits as u64)),
            _ => self.b.ins().iconst(ty, bits),
        };
        self.constants.push((ty, bits, value));
        value
    }

    /// A condition as a flag. A comparison is used directly instead of through 1.0 or 0.0.
    fn flag(&mut self, c: Val) -> Result<Value, JitError> {
        if let Inst::Binary(op, a, b) = self.p.insts[c.ix()] {
            if let Some(cc) = scalar::comparison(op) {
                let (x, y) = (self.one(a)?, self.one(b)?);
                return Ok(match (self.p.insts[a.ix()], self.p.insts[b.ix()]) {
                    (Inst::Percent(_), Inst::Double(y_bits)) if !f64::from_bits(y_bits).is_nan() => {
                        self.below(cc, x, y)
                    }
                    _ => self.b.ins().fcmp(cc, x, y),
                });
            }
            if let Some(cc) = scalar::tick_comparison(op) {
                let (x, y) = (self.one(a)?, self.one(b)?);
                return Ok(self.b.ins().icmp(cc, x, y));
            }
        }
        let x = self.one(c)?;
        let zero = self.double(0.0);
        let cc = match (self.p.insts[c.ix()], self.p.rules.nan_condition) {
            // Neither NaN nor negative: one flag decides.
            (Inst::Reduce(Reduce::Len, ..), _) => FloatCC::GreaterThan,
            (_, NanCondition::True) => FloatCC::NotEqual,
            (_, NanCondition::False) => FloatCC::OrderedNotEqual,
        };
        Ok(self.b.ins().fcmp(cc, x, zero))
    }

    /// A comparison of what is never NaN with a constant that is not. x86-64 reads a constant from memory when it is the second operand,
    /// and keeps the order of a "less" whose NaN counts as such.
    fn below(&mut self, cc: FloatCC, x: Value, y: Value) -> Value {
        let cc = match cc {
            FloatCC::LessThan => FloatCC::UnorderedOrLessThan,
            FloatCC::LessThanOrEqual => FloatCC::UnorderedOrLessThanOrEqual,
            cc => cc,
        };
        self.b.ins().fcmp(cc, x, y)
    }

    /// `c ? yes : no`, both computed. Cranelift chooses a double by a branch, and whether there were enough samples is what
    /// no processor predicts: then the bits are chosen.
    fn choose(&mut self, c: Val, yes: Val, no: Val) -> Result<Value, JitError> {
        let percent =
            matches!(self.p.insts[c.ix()], Inst::Binary(_, a, _) if matches!(self.p.insts[a.ix()], Inst::Percent(_)));
        if !percent || self.p.tys[yes.ix()] != Ty::Double {
            let (x, y) = (self.one(yes)?, self.one(no)?);
            let flag = self.flag(c)?;
            return Ok(self.b.ins().select(flag, x, y));
        }
        let (x, y) = (self.bits(yes)?, self.bits(no)?);
        let flag = self.flag(c)?;
        let chosen = self.b.ins().select(flag, x, y);
        Ok(self.b.ins().bitcast(types::F64, MemFlagsData::new(), chosen))
    }

    /// A double as its bits.
    fn bits(&mut self, v: Val) -> Result<Value, JitError> {
        if let Some((_, bits)) = constant(&self.p.insts[v.ix()]) {
            return Ok(self.int(bits));
        }
        let x = self.one(v)?;
        Ok(self.b.ins().bitcast(types::I64, MemFlagsData::new(), x))
    }

    /// `x / y`. By a power of two it is a multiplication, to the bit.
    fn quotient(&mut self, x: Value, y: Val) -> Result<Value, JitError> {
        if let Inst::Double(bits) = self.p.insts[y.ix()]
            && let Some(reciprocal) = scalar::exact_reciprocal(f64::from_bits(bits))
        {
            let by = self.double(reciprocal);
            return Ok(self.b.ins().fmul(x, by));
        }
        let y = self.one(y)?;
        Ok(self.b.ins().fdiv(x, y))
    }

    fn one(&mut self, v: Val) -> Result<Value, JitError> {
        match (constant(&self.p.insts[v.ix()]), self.vals[v.ix()][0]) {
            (Some((ty, bits)), _) => Ok(self.constant(ty, bits)),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(JitError(format!("%{} has no value", v.0))),
        }
    }

    fn pair(&mut self, v: Val) -> Result<[Option<Value>; 2], JitError> {
        Ok([Some(self.one(v)?), self.vals[v.ix()][1]])
    }

    /// What is to be stored. The bits of a constant need no way through a register for doubles.
    fn stored(&mut self, v: Val) -> Result<[Option<Value>; 2], JitError> {
        match constant(&self.p.insts[v.ix()]) {
            Some((_, bits)) => Ok([Some(self.int(bits)), None]),
            None => self.pair(v),
        }
    }

    fn inst(&mut self, v: u32, block: usize, isa: &dyn TargetIsa) -> Result<(), JitError> {
        let ty = self.p.tys[v as usize];
        let flags = MemFlagsData::trusted();
        let made: [Option<Value>; 2] = match self.p.insts[v as usize] {
            Inst::Param if self.flat.joined[block].is_some() => match self.flat.joined[block] {
                Some(Joined { condition, yes, no }) => [Some(self.choose(condition, yes, no)?), None],
                None => return Err(JitError("join".into())),
            },
            Inst::Param => {
                let clif = self.blocks[block];
                let first = self.b.append_block_param(clif, if ty == Ty::Double { types::F64 } else { types::I64 });
                let second = (ty == Ty::Vec).then(|| self.b.append_block_param(clif, types::I64));
                [Some(first), second]
            }
            // Made where they are needed.
            Inst::Double(_) | Inst::Interval(_) | Inst::Time(_) => return Ok(()),
            Inst::Str(_) | Inst::Option(_) | Inst::Metric(_) => return Ok(()),
            Inst::Input(input) => {
                let (ty, offset) = match input {
                    Input::Now => (types::I64, InputLayout::NOW),
                    Input::Target(k) => (types::F64, InputLayout::TARGET[k as usize & 1]),
                    Input::Current(k) => (types::F64, InputLayout::CURRENT[k as usize & 1]),
                    Input::TaskSlots => (types::F64, InputLayout::TASK_SLOTS),
                };
                [Some(self.b.ins().load(ty, flags, self.inputs, offset)), None]
            }
            Inst::Unary(op, a) => {
                let x = self.one(a)?;
                match scalar::unary(&mut self.b, op, x) {
                    Some(r) => [Some(r), None],
                    None => match abi::unary(op) {
                        Some(address) => {
                            let sig = self.unary_sig(isa);
                            let f = self.int(address as i64);
                            let call = self.b.ins().call_indirect(sig, f, &[x]);
                            [Some(self.b.inst_results(call)[0]), None]
                        }
                        None => self.host(v, HostOp::Scalar(op), &[a], isa)?,
                    },
                }
            }
            Inst::Binary(ScalarOp::Div, a, b) => {
                let x = self.one(a)?;
                [Some(self.quotient(x, b)?), None]
            }
            Inst::Binary(op, a, b) => {
                let (x, y) = (self.one(a)?, self.one(b)?);
                match scalar::binary(&mut self.b, op, x, y) {
                    Some(r) => [Some(r), None],
                    None => match self.ticks(v, op, x, y) {
                        Some(r) => [Some(r), None],
                        None => self.host(v, HostOp::Scalar(op), &[a, b], isa)?,
                    },
                }
            }
            Inst::Select(c, a, b) => [Some(self.choose(c, a, b)?), None],
            Inst::Require(w, wanted) => {
                let have = self.view_f64(w, ViewLayout::PERCENT);
                let want = self.double(f64::from_bits(wanted));
                let short = self.below(FloatCC::LessThan, have, want);
                self.trap_if(short, v);
                [None, None]
            }
            Inst::Percent(w) => [Some(self.view_f64(w, ViewLayout::PERCENT)), None],
            Inst::Window(w) => {
                let at = self.view(w);
                let ptr = self.b.ins().load(PTR, flags, self.views, at + ViewLayout::VALUES);
                let len = self.b.ins().load(types::I64, flags, self.views, at + ViewLayout::LEN);
                [Some(ptr), Some(len)]
            }
            Inst::Reduce(kind, w, operand) => [Some(self.reduce(kind, w, operand, isa)?), None],
            Inst::Flatten(list) => self.host_list(v, HostOp::Flatten, list, isa)?,
            Inst::Vector(op, a, b) => self.host(v, HostOp::Vector(op), &[a, b], isa)?,
            Inst::Single(a) => self.host(v, HostOp::Single, &[a], isa)?,
            Inst::Call(overload, list) => self.host_list(v, HostOp::Call(overload), list, isa)?,
            Inst::Target(a) if self.late[v as usize] => [Some(self.one(a)?), None],
            Inst::Target(a) => self.target(v, a, isa)?,
            Inst::Store(slot, a) => {
                let first = self.p.outputs[0] == Some(slot);
                if first {
                    self.dedicated = Some(a);
                }
                let output = self.p.slots[slot as usize].output.is_some();
                if self.keep == Keep::Outputs && (first || !output) {
                    return Ok(());
                }
                let at = slot as i32 * RawSlot::SIZE;
                let [first, second] = self.stored(a)?;
                for (value, offset) in [(first, 0), (second, 8)] {
                    if let Some(value) = value {
                        self.b.ins().store(flags, value, self.frame, at + offset);
                    }
                }
                [None, None]
            }
        };
        self.vals[v as usize] = made;
        Ok(())
    }

    fn view(&self, w: WindowId) -> i32 {
        w.0 as i32 * ViewLayout::SIZE
    }

    fn view_f64(&mut self, w: WindowId, field: i32) -> Value {
        if w.0 as usize + 1 == self.p.windows.len() {
            return self.last[field as usize / size_of::<f64>()];
        }
        let at = self.view(w) + field;
        self.b.ins().load(types::F64, MemFlagsData::trusted(), self.views, at)
    }

    fn reduce(
        &mut self,
        kind: Reduce,
        w: WindowId,
        operand: Option<Val>,
        isa: &dyn TargetIsa,
    ) -> Result<Value, JitError> {
        let single = newest_tells(self.p, kind, w);
        match (kind, operand) {
            (Reduce::Min | Reduce::Max, _) if single => return Ok(self.view_f64(w, ViewLayout::NEWEST)),
            (Reduce::MinFrom | Reduce::MaxFrom, Some(operand)) if single => {
                let (newest, from) = (self.view_f64(w, ViewLayout::NEWEST), self.one(operand)?);
                let pick = if kind == Reduce::MinFrom { scalar::min2 } else { scalar::max2 };
                return Ok(pick(&mut self.b, from, newest));
            }
            (Reduce::LastOrZero, _) if single => {
                let newest = self.view_f64(w, ViewLayout::NEWEST);
                let zero = self.double(0.0);
                let there = self.b.ins().fcmp(FloatCC::Equal, newest, newest);
                return Ok(self.b.ins().select(there, newest, zero));
            }
            (Reduce::LastOrZero, _) => return Err(JitError("the last of a longer window".into())),
            _ => {}
        }
        let Some(address) = abi::reduction(kind) else {
            return Ok(match kind {
                Reduce::Len => self.view_f64(w, ViewLayout::LEN_DOUBLE),
                Reduce::Sum => self.view_f64(w, ViewLayout::SUM),
                // 0 / 0 is NaN, which is what the mean of nothing is.
                _ => {
                    let sum = self.view_f64(w, ViewLayout::SUM);
                    let len = self.view_f64(w, ViewLayout::LEN_DOUBLE);
                    self.b.ins().fdiv(sum, len)
                }
            });
        };
        let operand = match operand {
            Some(v) => self.one(v)?,
            None => self.double(0.0),
        };
        if self.reduce_sig.is_none() {
            let mut sig = Signature::new(isa.default_call_conv());
            sig.params.extend([AbiParam::new(PTR), AbiParam::new(types::F64)]);
            sig.returns.push(AbiParam::new(types::F64));
            self.reduce_sig = Some(self.b.import_signature(sig));
        }
        let sig = self.reduce_sig.ok_or_else(|| JitError("signature".into()))?;
        let view = match self.view(w) {
            0 => self.views,
            offset => self.b.ins().iadd_imm_s(self.views, i64::from(offset)),
        };
        let f = self.int(address as i64);
        let call = self.b.ins().call_indirect(sig, f, &[view, operand]);
        Ok(self.b.inst_results(call)[0])
    }

    fn unary_sig(&mut self, isa: &dyn TargetIsa) -> SigRef {
        if let Some(sig) = self.unary_sig {
            return sig;
        }
        let mut sig = Signature::new(isa.default_call_conv());
        sig.params.push(AbiParam::new(types::F64));
        sig.returns.push(AbiParam::new(types::F64));
        let sig = self.b.import_signature(sig);
        self.unary_sig = Some(sig);
        sig
    }

    /// Addition and subtraction of ticks; the trap on overflow is the same as the reference's.
    fn ticks(&mut self, v: u32, op: ScalarOp, x: Value, y: Value) -> Option<Value> {
        use ScalarOp::*;
        let (r, a, b) = match op {
            TimeAddInterval | IntervalAddTime | IntervalAdd => {
                let r = self.b.ins().iadd(x, y);
                let (a, b) = (self.b.ins().bxor(x, r), self.b.ins().bxor(y, r));
                (r, a, b)
            }
            TimeSub | TimeSubInterval | IntervalSub => {
                let r = self.b.ins().isub(x, y);
                let (a, b) = (self.b.ins().bxor(x, y), self.b.ins().bxor(x, r));
                (r, a, b)
            }
            _ => return None,
        };
        let both = self.b.ins().band(a, b);
        let overflow = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0);
        self.trap_if(overflow, v);
        Some(r)
    }

    /// A number of nodes passes; anything else is judged by the host, under the rules.
    fn target(&mut self, v: u32, a: Val, isa: &dyn TargetIsa) -> Result<[Option<Value>; 2], JitError> {
        let x = self.one(a)?;
        let zero = self.double(0.0);
        let most = self.double(MAX_NODES);
        let low = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, x, zero);
        let high = self.b.ins().fcmp(FloatCC::LessThanOrEqual, x, most);
        let fine = self.b.ins().band(low, high);
        let (judge, on) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(on, types::F64);
        self.b.set_cold_block(judge);
        self.b.ins().brif(fine, on, &[BlockArg::from(x)], judge, &[]);
        self.enter(judge);
        let [judged, _] = self.host(v, HostOp::Target, &[a], isa)?;
        let judged = judged.ok_or_else(|| JitError("target".into()))?;
        self.b.ins().jump(on, &[BlockArg::from(judged)]);
        self.enter(on);
        Ok([Some(result), None])
    }

    fn trap_if(&mut self, flag: Value, v: u32) {
        let (trap, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(trap);
        self.b.ins().brif(flag, trap, &[], on, &[]);
        self.b.switch_to_block(trap);
        let word = self.b.ins().iconst(types::I64, (status::INST | u64::from(v) << 32) as i64);
        let nothing = self.b.ins().f64const(0.0);
        self.give(word, nothing);
        self.b.switch_to_block(on);
    }

    fn host_list(
        &mut self,
        v: u32,
        op: HostOp,
        list: List,
        isa: &dyn TargetIsa,
    ) -> Result<[Option<Value>; 2], JitError> {
        let args: Vec<Val> = self.p.list(list).to_vec();
        self.host(v, op, &args, isa)
    }

    /// Call the host: arguments into cells, result out of one.
    fn host(&mut self, v: u32, op: HostOp, args: &[Val], isa: &dyn TargetIsa) -> Result<[Option<Value>; 2], JitError> {
        if args.len() > abi::MAX_ARGS {
            return Err(JitError("too many arguments".into()));
        }
        if self.host_sig.is_none() {
            let mut sig = Signature::new(isa.default_call_conv());
            sig.params.extend([AbiParam::new(PTR); 5]);
            sig.returns.push(AbiParam::new(types::I64));
            self.host_sig = Some(self.b.import_signature(sig));
            let most = self.widest() as u32 + 1;
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, most * Arg::SIZE as u32, 3);
            self.cells = Some(self.b.create_sized_stack_slot(data));
        }
        let (Some(sig), Some(cells)) = (self.host_sig, self.cells) else { return Err(JitError("cells".into())) };
        for (i, a) in args.iter().enumerate() {
            let at = (i as i32 + 1) * Arg::SIZE;
            let ty = self.p.tys[a.ix()];
            let tag = self.int(Arg::tag(ty) as i64);
            self.b.ins().stack_store(PTR, tag, cells, at);
            let [mut first, mut second] = self.stored(*a)?;
            if ty == Ty::Str
                && let Inst::Str(s) = self.p.insts[a.ix()]
            {
                // The program outlives its code, and its strings never move.
                let text = &self.p.strings[s as usize];
                first = Some(self.int(text.as_ptr() as i64));
                second = Some(self.int(text.len() as i64));
            }
            for (value, offset) in [(first, 8), (second, 16)] {
                if let Some(value) = value {
                    self.b.ins().stack_store(PTR, value, cells, at + offset);
                }
            }
        }
        let out = self.b.ins().stack_addr(PTR, cells, 0);
        let first = self.b.ins().stack_addr(PTR, cells, Arg::SIZE);
        let word = self.int(op.encode() as i64);
        let n = self.int(args.len() as i64);
        let f = self.int(abi::rt_host as *const () as i64);
        let call = self.b.ins().call_indirect(sig, f, &[self.host, word, first, n, out]);
        let failed = self.b.inst_results(call)[0];
        self.trap_if(failed, v);
        let ty = self.p.tys[v as usize];
        let clif = if ty == Ty::Double { types::F64 } else { types::I64 };
        let a = self.b.ins().stack_load(PTR, clif, cells, 8);
        let b = (ty == Ty::Vec).then(|| self.b.ins().stack_load(PTR, types::I64, cells, 16));
        Ok([Some(a), b])
    }

    /// Most arguments any host call of the program takes.
    fn widest(&self) -> usize {
        let lists = self.p.insts.iter().map(|inst| match inst {
            Inst::Flatten(list) | Inst::Call(_, list) => self.p.list(*list).len(),
            _ => 2,
        });
        lists.max().unwrap_or(2)
    }
}
