// SPDX-License-Identifier: Apache-2.0

/// Where kernels read ahead: bytes from the first voxel of a line's first box.
struct ReadAhead {
    let near: Int
    /// In a second slice; 0 if there is one alone.
    let far: Int

    /// What a kernel is told for the line whose first box begins at `line`, from its box `begin` on; zeros for nothing.
    ///
    /// `bytes`: Of a box. Addresses may lie behind the input: nothing is read from there.
    static func addresses(_ ahead: ReadAhead?, at line: UnsafeRawPointer, from begin: Int = 0, bytes: Int = 0)
        -> (near: UInt, far: UInt)
    {
        guard let ahead else { return (0, 0) }
        let skipped = begin * bytes / (ahead.far == 0 ? 1 : 2)
        let base = UInt(bitPattern: line) &+ UInt(bitPattern: skipped)
        return (
            base &+ UInt(bitPattern: ahead.near), ahead.far == 0 ? 0 : base &+ UInt(bitPattern: ahead.far)
        )
    }
}

/// Reading ahead: rows of several slices that are reduced together come by turns, a few kilobytes of each, which the
/// hardware's prefetcher follows badly. So a piece of every slice is read from end to end, at the memory's own speed,
/// before the kernels walk through them. Where slices are long and no more than two, kernels do better: they ask for
/// the rows to come, in the order of memory, while they work on these.
extension RowGrid {
    /// How far ahead of a line kernels ask at least: the latency of memory, in bytes.
    private static let aheadByteCount = 8192
    /// Lines above this are long enough to be followed by the hardware.
    private static let mostAheadByteCount = 128 << 10
    /// Slices below this end before reading ahead has paid.
    private static let leastRunByteCount = 64 << 10

    /// Where kernels read ahead in stretches of a kind; `nil` where they had better not.
    func readAhead(_ mask: Int, width: Int) -> ReadAhead? {
        let lineByteCount = factors[1] * inStrides[1] * width
        guard readsAhead, lineByteCount <= RowGrid.mostAheadByteCount else { return nil }
        guard stream > 1 else {
            return ReadAhead(near: max(lineByteCount, RowGrid.aheadByteCount), far: 0)
        }
        guard inSizes[1] * inStrides[1] * width >= RowGrid.leastRunByteCount else { return nil }
        let extents = extents(mask)
        let slices = extents[2...].reduce(1, *)
        guard slices <= 2 else { return nil }
        let near = max(lineByteCount, RowGrid.aheadByteCount / slices)
        return ReadAhead(near: near, far: slices == 1 ? 0 : near + sliceOffset(1, extents) * width)
    }

    /// Bytes of all slices that are read ahead at a time: half of a small second cache.
    private static let pieceByteCount = 128 << 10
    /// Rows of a page and more are followed well: the prefetcher starts anew at each page anyway.
    private static let pageByteCount = 4096
    /// More slices to a box are read apart well enough by themselves.
    private static let mostSlices = 16

    /// As ``forEachStretch(from:count:_:)``, in pieces that have just been read, if slices are not near already.
    ///
    /// `input` is the first voxel of the run that stretches are offsets into, `width` the bytes of one.
    func forEachStretch(
        from first: Int,
        count: Int,
        readingAhead input: UnsafeRawPointer,
        width: Int,
        _ kernels: Kernels,
        _ body: (Stretch) -> Void
    ) {
        forEachStretch(from: first, count: count) { stretch in
            let lineByteCount = stretch.step * width
            // What kernels ask for needs no reading before.
            guard !readsAhead || readAhead(stretch.mask, width: width) == nil else { return body(stretch) }
            // A chain's batches of consecutive rows have been read as a whole.
            guard stream > 1, inStrides[1] * width < RowGrid.pageByteCount,
                stretch.lines * lineByteCount > RowGrid.pieceByteCount / 2
            else { return body(stretch) }
            let extents = extents(stretch.mask)
            let slices = extents[2...].reduce(1, *)
            guard slices > 1, slices <= RowGrid.mostSlices else { return body(stretch) }
            let most = max(1, RowGrid.pieceByteCount / (slices * lineByteCount))
            // The rows of a line's boxes follow one another, and so do those of the lines.
            let tail = extents[1] * inStrides[1] * width
            var line = 0
            while line < stretch.lines {
                let piece = stretch.piece(from: line, lines: min(most, stretch.lines - line))
                let begin = input + piece.begin * width
                for slice in 0..<slices {
                    let offset = sliceOffset(slice, extents) * width
                    _ = kernels.touch(begin + offset, (piece.lines - 1) * lineByteCount + tail)
                }
                body(piece)
                line += piece.lines
            }
        }
    }

    /// Elements from a box's first slice to its slice `number`; the axes from the third on count, fastest first.
    private func sliceOffset(_ number: Int, _ extents: [Int]) -> Int {
        var (rest, offset) = (number, 0)
        for axis in 2...stream {
            offset += rest % extents[axis] * inStrides[axis]
            rest /= extents[axis]
        }
        return offset
    }
}

extension Stretch {
    /// Some of its rows.
    fileprivate func piece(from line: Int, lines: Int) -> Stretch {
        Stretch(at: at, first: first + line, begin: begin + line * step, lines: lines, step: step, mask: mask)
    }
}
