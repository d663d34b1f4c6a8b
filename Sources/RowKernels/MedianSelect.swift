// SPDX-License-Identifier: Apache-2.0

// The median of one box of any size: the values that take part are gathered and selected from.
//
// Invariant: `values` has room for every voxel of the box.

/// The lower median of the columns [start, end) of all rows.
@inline(never)
func medianSelect<T: MedianVoxel>(
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ start: Int,
    _ end: Int,
    _ sparse: Bool,
    _ values: UnsafeMutablePointer<T>
) -> T {
    var count = 0
    var undefined = false
    var r = 0
    while r < rowCount {
        let row = rows[r].assumingMemoryBound(to: T.self)
        var k = start
        while k < end {
            let value = row[k]
            values[count] = value
            undefined = undefined || value.isUndefined
            count &+= sparse && value == T.zero ? 0 : 1
            k &+= 1
        }
        r &+= 1
    }
    if undefined { return T.undefined }
    return count == 0 ? T.zero : selected(values, count, (count &- 1) / 2)
}

/// The value that would stand at `place` if the values were sorted.
///
/// Quickselect around the median of three. Values that were chosen against it use up its rounds, and what is
/// left then is heap sorted: n log n at worst.
@inline(__always)
private func selected<T: Comparable>(_ values: UnsafeMutablePointer<T>, _ count: Int, _ place: Int) -> T {
    var low = 0
    var high = count &- 1
    var rounds = 2 &* (Int.bitWidth &- count.leadingZeroBitCount)
    while high &- low > 12 {
        guard rounds > 0 else {
            heapSort(values + low, high &- low &+ 1)
            return values[place]
        }
        rounds &-= 1
        let pivot = middleOfThree(values[low], values[low &+ (high &- low) / 2], values[high])
        // Both scans stop at the pivot's equals, so many equal values split evenly and no scan leaves the
        // range.
        var left = low
        var right = high
        while left <= right {
            while values[left] < pivot { left &+= 1 }
            while pivot < values[right] { right &-= 1 }
            guard left <= right else { break }
            let value = values[left]
            values[left] = values[right]
            values[right] = value
            left &+= 1
            right &-= 1
        }
        if place <= right {
            high = right
        } else if place >= left {
            low = left
        } else {
            return values[place]
        }
    }
    insertionSort(values, low, high)
    return values[place]
}

@inline(__always)
private func middleOfThree<T: Comparable>(_ a: T, _ b: T, _ c: T) -> T {
    Swift.max(Swift.min(a, b), Swift.min(Swift.max(a, b), c))
}

@inline(__always)
private func insertionSort<T: Comparable>(_ values: UnsafeMutablePointer<T>, _ low: Int, _ high: Int) {
    var next = low &+ 1
    while next <= high {
        let value = values[next]
        var hole = next
        while hole > low && value < values[hole &- 1] {
            values[hole] = values[hole &- 1]
            hole &-= 1
        }
        values[hole] = value
        next &+= 1
    }
}

@inline(never)
private func heapSort<T: Comparable>(_ values: UnsafeMutablePointer<T>, _ count: Int) {
    var root = count / 2
    while root > 0 {
        root &-= 1
        siftDown(values, root, count)
    }
    var end = count
    while end > 1 {
        end &-= 1
        let value = values[0]
        values[0] = values[end]
        values[end] = value
        siftDown(values, 0, end)
    }
}

@inline(__always)
private func siftDown<T: Comparable>(_ values: UnsafeMutablePointer<T>, _ start: Int, _ end: Int) {
    var root = start
    while true {
        var child = 2 &* root &+ 1
        guard child < end else { return }
        if child &+ 1 < end && values[child] < values[child &+ 1] { child &+= 1 }
        guard values[root] < values[child] else { return }
        let value = values[root]
        values[root] = values[child]
        values[child] = value
        root = child
    }
}
