//! Large blocks of memory in huge pages.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A huge page of x86-64 and, as a rule, of 64-bit ARM.
const PAGE: usize = 2 << 20;
/// A multiple of any small page.
const SMALL: usize = 1 << 16;
/// Blocks from this size on have pages of their own.
const LARGE: usize = PAGE;

/// Bytes of freed blocks that are kept, about a training step of a small tail, and how many blocks at most.
const KEPT: usize = 128 << 20;
const BLOCKS: usize = 64;

/// The system's allocator, but large blocks begin at huge pages, which Linux is asked for.
///
/// Maps, weights and what is made of them are read in many places at once, each on a page of its own: more
/// pages than a processor keeps the addresses of. And a new block has a few page faults instead of thousands.
/// Many a Linux gives huge pages only to who asks; where it has none, and elsewhere, nothing changes. Freed
/// blocks, 128 MiB of them, wait for the next one of their size: the steps of a training are all alike.
///
/// A program takes it as its own:
///
/// ```
/// #[global_allocator]
/// static MEMORY: headstart_kernels::HugePages = headstart_kernels::HugePages;
///
/// fn main() {}
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HugePages;

/// Whether a block is mapped here. It depends on the layout alone, which comes back with the block.
fn is_large(layout: Layout) -> bool {
    cfg!(target_os = "linux") && layout.size() >= LARGE && layout.align() <= PAGE
}

/// What is mapped for a block: a last huge page only where it would be full by half.
fn mapped(size: usize) -> usize {
    size.next_multiple_of(if size % PAGE > PAGE / 2 { PAGE } else { SMALL })
}

// SAFETY: a block is the system's or a mapping of its own, whoever asks about it, and holds the layout's size.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_large(layout) {
            // SAFETY: the caller's contract.
            return unsafe { System.alloc(layout) };
        }
        let size = mapped(layout.size());
        kept().take(size).unwrap_or_else(|| map(size))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_large(layout) {
            // SAFETY: the caller's contract.
            return unsafe { System.alloc_zeroed(layout) };
        }
        let size = mapped(layout.size());
        let Some(block) = kept().take(size) else { return map(size) };
        // SAFETY: the block holds `size` bytes.
        unsafe { block.write_bytes(0, layout.size()) }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !is_large(layout) {
            // SAFETY: the caller's contract.
            return unsafe { System.dealloc(block, layout) };
        }
        // SAFETY: the caller's contract: the block came with this layout, and is nobody's any more.
        unsafe { kept().keep(Block { start: block as usize, size: mapped(layout.size()) }) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract: a size that fits the alignment; both blocks hold what is copied.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            match (is_large(layout), is_large(new)) {
                (false, false) => return System.realloc(block, layout, size),
                (true, true) if mapped(size) == mapped(layout.size()) => return block,
                _ => {}
            }
            let to = self.alloc(new);
            if !to.is_null() {
                ptr::copy_nonoverlapping(block, to, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            to
        }
    }
}

/// A mapping.
#[derive(Clone, Copy)]
struct Block {
    start: usize,
    size: usize,
}

/// Freed blocks, the oldest first.
struct Kept {
    blocks: [Block; BLOCKS],
    count: usize,
    bytes: usize,
}

fn kept() -> MutexGuard<'static, Kept> {
    static BLOCKS_KEPT: Mutex<Kept> =
        Mutex::new(Kept { blocks: [Block { start: 0, size: 0 }; BLOCKS], count: 0, bytes: 0 });
    BLOCKS_KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// A block of exactly `size`.
    fn take(&mut self, size: usize) -> Option<*mut u8> {
        let index = self.blocks[..self.count].iter().rposition(|block| block.size == size)?;
        Some(self.remove(index).start as *mut u8)
    }

    /// Keeps a block, and gives back those that there is no room for: the oldest, or itself.
    ///
    /// # Safety
    /// It came from [`map`], and nobody has it any more.
    unsafe fn keep(&mut self, block: Block) {
        if block.size > KEPT {
            // SAFETY: the caller's contract.
            return unsafe { unmap(block) };
        }
        while self.count == BLOCKS || self.bytes + block.size > KEPT {
            // SAFETY: what was kept is nobody's.
            unsafe { unmap(self.remove(0)) }
        }
        self.blocks[self.count] = block;
        self.count += 1;
        self.bytes += block.size;
    }

    fn remove(&mut self, index: usize) -> Block {
        let block = self.blocks[index];
        self.blocks.copy_within(index + 1..self.count, index);
        self.count -= 1;
        self.bytes -= block.size;
        block
    }
}

/// Zeros that begin with a huge page; null where there is no memory.
#[cfg(target_os = "linux")]
fn map(size: usize) -> *mut u8 {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    // SAFETY: new memory, which is nobody else's; what is given back lies before and behind the block.
    unsafe {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let Ok(start) = mmap_anonymous(ptr::null_mut(), size + PAGE, access, MapFlags::PRIVATE) else {
            return ptr::null_mut();
        };
        let before = start.cast::<u8>().align_offset(PAGE);
        let block = start.add(before);
        for (part, length) in [(start, before), (block.add(size), PAGE - before)] {
            if length > 0 {
                // Where the system refuses, addresses are lost, and no memory.
                let _ = munmap(part, length);
            }
        }
        // A system that refuses gives small pages.
        let _ = madvise(block, size, Advice::LinuxHugepage);
        block.cast()
    }
}

/// # Safety
/// The block came from [`map`], and nobody has it any more.
#[cfg(target_os = "linux")]
unsafe fn unmap(block: Block) {
    // SAFETY: the caller's contract. Where the system refuses, the block stays mapped and unused.
    let _ = unsafe { rustix::mm::munmap(block.start as *mut _, block.size) };
}

#[cfg(not(target_os = "linux"))]
fn map(_: usize) -> *mut u8 {
    ptr::null_mut()
}

/// # Safety
/// None is needed.
#[cfg(not(target_os = "linux"))]
unsafe fn unmap(_: Block) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_begin_at_huge_pages_and_keep_what_they_hold() {
        let layout = |size| Layout::from_size_align(size, 64).expect("a layout");
        let at = |block: *mut u8, index| block.wrapping_add(index);
        let (small, large, larger) = (100, LARGE + 5, 3 * LARGE);
        // SAFETY: every index lies inside of the block, and each block is freed with its layout.
        unsafe {
            let block = HugePages.alloc_zeroed(layout(small));
            at(block, 99).write(7);
            let block = HugePages.realloc(block, layout(small), large);
            assert_eq!((block.align_offset(PAGE), at(block, 99).read()), (0, 7));
            at(block, large - 1).write(8);
            let block = HugePages.realloc(block, layout(large), larger);
            assert_eq!(
                (block.align_offset(PAGE), at(block, 99).read(), at(block, large - 1).read()),
                (0, 7, 8)
            );
            at(block, larger - 1).write(9);
            let block = HugePages.realloc(block, layout(larger), small);
            assert_eq!(at(block, 99).read(), 7);
            HugePages.dealloc(block, layout(small));
            let block = HugePages.alloc_zeroed(layout(large));
            assert!(std::slice::from_raw_parts(block, large).iter().all(|byte| *byte == 0));
            HugePages.dealloc(block, layout(large));
        }
    }
}
