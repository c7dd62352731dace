//! Memory that the allocator keeps after it was freed.

/// Gives freed memory back to the system, so that what extraction took is there for the destination's own memory.
///
/// The allocator of glibc keeps what threads freed in their arenas: 100 MB after a long extraction.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "malloc_trim has no safe wrapper; without it a load takes 100 MB more (bench/README.md)"
)]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim takes a number and touches nothing but free memory of the allocator; it may be called from
    // any thread at any time (malloc_trim(3): MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators return memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
