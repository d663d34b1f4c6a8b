// SPDX-License-Identifier: Apache-2.0

/// Reading ahead: rows of several slices that are reduced together come by turns, a few kilobytes of each, which the
/// hardware's prefetcher follows badly. So a piece of every slice is read from end to end, at the memory's own speed,
/// before the kernels walk through them.
extension RowGrid {
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
        var at = at
        at[1] += line
        return Stretch(at: at, begin: begin + line * step, lines: lines, step: step, mask: mask)
    }
}
