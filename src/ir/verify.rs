//! The verifier: what every engine may rely on.
//!
//! In: a program. Out: nothing, or what is wrong with it. Runs after every lowering in debug and fuzz builds.

use super::*;

/// Check a program's shape: blocks contiguous and forward, values defined on every path before use, types as operations want.
pub fn verify(p: &Program) -> Result<(), String> {
    let n = p.insts.len();
    if p.tys.len() != n || p.at.len() != n || p.live.len() != n {
        return Err("tables of different lengths".into());
    }
    let mut next = 0;
    for (i, b) in p.blocks.iter().enumerate() {
        if b.lo != next || b.hi < b.lo || b.hi as usize > n {
            return Err(format!("block {i} is not contiguous"));
        }
        next = b.hi;
        let mut targets = Vec::new();
        match b.term {
            Term::Goto(t, _) => targets.push(t),
            Term::Branch(_, t, f) => targets.extend([t, f]),
            _ => {}
        }
        for t in targets {
            if t.0 as usize <= i || t.0 as usize >= p.blocks.len() {
                return Err(format!("block {i} goes to block {}", t.0));
            }
        }
    }
    if next as usize != n {
        return Err("instructions outside any block".into());
    }
    // Definedness on every path: the values available at a block are those all its predecessors agree on.
    let mut available: Vec<Option<Vec<bool>>> = vec![None; p.blocks.len()];
    if let Some(first) = available.first_mut() {
        *first = Some(vec![false; n]);
    }
    for (i, b) in p.blocks.iter().enumerate() {
        let Some(mut known) = available[i].clone() else { continue };
        for v in b.lo..b.hi {
            let inst = p.insts[v as usize];
            let mut bad = None;
            p.operands(&inst, |o| {
                if o.ix() >= n || !known[o.ix()] {
                    bad = Some(o);
                }
            });
            if let Some(o) = bad {
                return Err(format!("%{v} uses %{} before it is defined", o.0));
            }
            types(p, v, &inst)?;
            if matches!(inst, Inst::Param) && v != b.lo {
                return Err(format!("%{v}: a parameter inside a block"));
            }
            known[v as usize] = true;
        }
        let mut flow = |t: BlockId| {
            let slot = &mut available[t.0 as usize];
            match slot {
                None => *slot = Some(known.clone()),
                Some(old) => old.iter_mut().zip(&known).for_each(|(o, k)| *o &= *k),
            }
        };
        match b.term {
            Term::Goto(t, v) => {
                flow(t);
                let target = p.blocks[t.0 as usize];
                let param =
                    (target.lo < target.hi && p.insts[target.lo as usize] == Inst::Param).then_some(target.lo as usize);
                if v.is_some() != param.is_some() {
                    return Err(format!("block {i} enters block {} without its value", t.0));
                }
                if let (Some(v), Some(param)) = (v, param)
                    && (!known[v.ix()] || p.tys[v.ix()] != p.tys[param])
                {
                    return Err(format!("block {i} passes %{} wrongly", v.0));
                }
            }
            Term::Branch(c, t, f) => {
                if !known[c.ix()] || p.tys[c.ix()] != Ty::Double {
                    return Err(format!("block {i} branches on %{}", c.0));
                }
                flow(t);
                flow(f);
            }
            Term::Trap(x) if x as usize >= p.poisons.len() => return Err("unknown rejection".into()),
            _ => {}
        }
    }
    Ok(())
}

fn types(p: &Program, v: u32, inst: &Inst) -> Result<(), String> {
    let ty = |v: Val| p.tys[v.ix()];
    let want = |ok: bool| if ok { Ok(()) } else { Err(format!("%{v}: operand types of {inst:?}")) };
    match inst {
        Inst::Unary(op, a) => want(op.operands() == [ty(*a)]),
        Inst::Binary(op, a, b) => want(op.operands() == [ty(*a), ty(*b)]),
        Inst::Select(c, a, b) => want(ty(*c) == Ty::Double && ty(*a) == ty(*b)),
        Inst::Vector(op, a, b) => want(
            op.arithmetic().is_some()
                && [ty(*a), ty(*b)].contains(&Ty::Vec)
                && [*a, *b].iter().all(|x| matches!(ty(*x), Ty::Vec | Ty::Double)),
        ),
        Inst::Single(a) => want(ty(*a) == Ty::Vec),
        Inst::Target(a) => want(ty(*a) == Ty::Double),
        Inst::Flatten(list) => want(p.list(*list).iter().all(|x| matches!(ty(*x), Ty::Vec | Ty::Double))),
        Inst::Store(slot, a) => want(p.slots.get(*slot as usize).is_some_and(|s| s.ty == ty(*a))),
        Inst::Require(w, _) | Inst::Percent(w) | Inst::Window(w) | Inst::Reduce(_, w, _) => {
            want((w.0 as usize) < p.windows.len())
        }
        _ => Ok(()),
    }
}
