//! Memory that machine code runs from.
//!
//! In: the bytes of one function. Out: where they can be run, for as long as their `Memory` lives. Never: memory that is
//! mapped writable and executable; an address given out twice while it is mapped, so no processor can have fetched what
//! stood there before.
//!
//! A kernel takes 12 µs to give a formula pages of its own and to take them back, as long as the smallest takes to compile.
//! Where one machine is known to need no more (`segment`), formulas share pages instead; any refusal there means pages
//! of one's own, which also keep an instruction cache in step on processors that need it.
#![allow(unsafe_code)]

use super::JitError;
use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider, SystemMemoryProvider};

/// Keeps one function's code in place.
pub(super) enum Memory {
    /// Pages of its own.
    Own { _pages: Box<Pages> },
    /// Part of a segment, which stays mapped until the last formula in it is dropped.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Shared { _map: std::sync::Arc<memmap2::MmapRaw> },
}

/// Pages of one function; freed when dropped, which the provider alone does not do.
pub(super) struct Pages(SystemMemoryProvider);

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `Pages` are dropped with the only `Code` that has a pointer into them, or before there is one.
        unsafe { self.0.free_memory() };
    }
}

/// Put code where it can run; also where it starts.
pub(super) fn place(code: &[u8], align: u32) -> Result<(Memory, *const u8), JitError> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    if let Some(shared) = segment::place(code, align) {
        return Ok(shared);
    }
    let fail = |e: &dyn std::fmt::Display| JitError(e.to_string());
    let mut pages = Box::new(Pages(SystemMemoryProvider::new()));
    let start = pages.0.allocate(code.len(), u64::from(align), JITMemoryKind::Executable).map_err(|e| fail(&e))?;
    // SAFETY: the provider has just given out these writable bytes, and nobody else has the pointer.
    unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), start, code.len()) };
    pages.0.finalize(BranchProtection::None).map_err(|e| fail(&e))?;
    Ok((Memory::Own { _pages: pages }, start))
}

/// Segments: anonymous files that are mapped once to be run, and written to as files, one function behind the other.
///
/// Nothing is freed within a segment: one is unmapped with its last formula, so compiling and dropping without end needs
/// two of them. Code is written through the page cache, which x86-64 keeps in step with what its cores fetch.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod segment {
    use super::Memory;
    use memmap2::{MmapMut, MmapOptions, MmapRaw};
    use rustix::{
        fs::{MemfdFlags, memfd_create},
        mm::{Advice, madvise},
    };
    use std::{
        fs::File,
        io,
        os::unix::fs::FileExt,
        sync::{Arc, Mutex},
    };

    const SIZE: usize = 1 << 16;
    /// Longer code has pages of its own: it would waste the end of a segment, and its compilation hides what they cost.
    const LONGEST: usize = SIZE / 8;
    /// A cache line: no two functions share one.
    const ALIGN: usize = 64;

    /// The segment that is being filled.
    static OPEN: Mutex<Option<Open>> = Mutex::new(None);

    struct Open {
        file: File,
        map: Arc<MmapRaw>,
        used: usize,
        /// Begins with 1, but not in a forked child: it has the same file and must leave the rest of it to its parent.
        ours: MmapMut,
    }

    /// None where the kernel will not have it, and when another thread is here: waiting would hang a child that was
    /// forked meanwhile.
    pub(super) fn place(code: &[u8], align: u32) -> Option<(Memory, *const u8)> {
        if code.len() > LONGEST || align as usize > ALIGN {
            return None;
        }
        let mut open = OPEN.try_lock().ok()?;
        if !open.as_ref().is_some_and(|o| o.ours[0] == 1 && o.used + code.len() <= SIZE) {
            *open = Some(Open::new().ok()?);
        }
        let open = open.as_mut()?;
        open.file.write_all_at(code, open.used as u64).ok()?;
        let start = open.map.as_ptr().wrapping_add(open.used);
        open.used = (open.used + code.len()).next_multiple_of(ALIGN);
        Some((Memory::Shared { _map: open.map.clone() }, start))
    }

    impl Open {
        fn new() -> io::Result<Open> {
            let file = File::from(memfd_create(c"poolcast", MemfdFlags::CLOEXEC)?);
            file.set_len(SIZE as u64)?;
            // SAFETY: the file has no name and nobody else's handle; it keeps its length, and what was given out of it is
            // never written again (`used` only grows, and only here).
            let map = unsafe { MmapOptions::new().len(SIZE).map_exec(&file)? };
            let mut ours = MmapMut::map_anon(1)?;
            ours[0] = 1;
            // SAFETY: the page is mapped, private and anonymous, and `ours` expects it to change in a child.
            unsafe { madvise(ours.as_mut_ptr().cast(), ours.len(), Advice::LinuxWipeOnFork)? };
            Ok(Open { file, map: Arc::new(map.into()), used: 0, ours })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mappings of this process that are segments.
    fn segments() -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().filter(|l| l.contains("poolcast (deleted)") && l.contains("memfd")).count()
    }

    #[test]
    fn memory_goes_with_the_last_function_in_it() {
        let place = |size: usize| place(&vec![0xc3; size], 16).expect("a place");
        let kept: Vec<_> = (0..100).map(|i| place(50 * i + 1)).collect();
        let before = segments();
        for i in 0..20_000 {
            drop(place(i * 7919 % 9000 + 1));
        }
        // Other tests compile meanwhile.
        assert!(segments() < before + 100, "{before} segments became {}", segments());
        for (i, (_, start)) in kept.iter().enumerate() {
            // SAFETY: what was placed is mapped for reading as long as `kept` lives.
            let bytes = unsafe { std::slice::from_raw_parts(*start, 50 * i + 1) };
            assert!(bytes.iter().all(|b| *b == 0xc3), "function {i} changed");
        }
    }
}
