// SPDX-License-Identifier: Apache-2.0
internal import CPrefetch

// Rows of several lines that are reduced together are read by turns, which the hardware's prefetcher follows badly:
// one thread gets half of the memory's speed. Asked for in the order of memory, a few lines at a time between a
// few voxels, they come at nearly all of it. In the order of the rows, or many at a time, nothing is won.

/// Calls `body` for 0, 1, ... `count` - 1, and asks for what is needed later in between; see ``inRuns``.
@inline(__always)
func inPieces(_ count: Int, bytes: Int, near: UInt, far: UInt, _ body: (Int) -> Void) {
    inRuns(count, bytes: bytes, near: near, far: far) { begin, end in
        for i in begin..<end { body(i) }
    }
}

/// Calls `body` with ranges that make up 0 ..< `count`, and asks for what is needed later in between.
///
/// * `bytes`: Of input below one output, all rows together.
/// * `near`: Where reading ahead begins; 0 asks for nothing.
/// * `far`: The same in a second run of rows, which then shares `bytes` with the first; 0 if there is one run alone.
///   Both may lie behind the input.
@inline(__always)
func inRuns(_ count: Int, bytes: Int, near: UInt, far: UInt, _ body: (Int, Int) -> Void) {
    // Without an address the line is one range.
    let size = near == 0 ? Int.max : 512 / bytes
    let half: UInt = 256
    var first = near
    var second = far == 0 ? near &+ half : far
    let step = far == 0 ? 2 &* half : half
    var begin = 0
    while size <= count &- begin {
        cprefetch_line(first)
        cprefetch_line(first &+ 64)
        cprefetch_line(first &+ 128)
        cprefetch_line(first &+ 192)
        cprefetch_line(second)
        cprefetch_line(second &+ 64)
        cprefetch_line(second &+ 128)
        cprefetch_line(second &+ 192)
        body(begin, begin &+ size)
        first &+= step
        second &+= step
        begin &+= size
    }
    if begin < count { body(begin, count) }
}
