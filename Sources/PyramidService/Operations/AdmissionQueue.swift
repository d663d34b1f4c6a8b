// SPDX-License-Identifier: Apache-2.0

/// Who may hold memory now, and who waits, in order of arrival; no clock, no lock.
///
/// Rules:
/// 1. What is admitted never costs more than the budget, nor are there more than `maxRunning`.
/// 2. Nobody overtakes: while anybody waits, a newcomer waits behind, however small.
/// 3. What alone costs more than the budget is refused at once; so is whoever finds the queue full.
package struct AdmissionQueue {
    package typealias Ticket = UInt64

    package enum Arrival: Equatable {
        case admitted
        case waits
        /// Could never be admitted.
        case tooDear
        case queueFull
    }

    package let budget: Int
    package let maxRunning: Int
    package let maxWaiting: Int
    package private(set) var admittedBytes = 0
    package private(set) var running = 0
    private var waiting: [(ticket: Ticket, price: Int)] = []

    package init(budget: Int, maxRunning: Int, maxWaiting: Int) {
        self.budget = budget
        self.maxRunning = maxRunning
        self.maxWaiting = maxWaiting
    }

    package var waitingCount: Int { waiting.count }

    package func isWaiting(_ ticket: Ticket) -> Bool { waiting.contains { $0.ticket == ticket } }

    package mutating func arrived(_ ticket: Ticket, price: Int) -> Arrival {
        guard price <= budget else { return .tooDear }
        if waiting.isEmpty, fits(price) {
            admit(price)
            return .admitted
        }
        guard waiting.count < maxWaiting else { return .queueFull }
        waiting.append((ticket, price))
        return .waits
    }

    /// Admits somebody who would not wait; false if nobody is admitted.
    package mutating func enteredAtOnce(price: Int) -> Bool {
        guard waiting.isEmpty, fits(price) else { return false }
        admit(price)
        return true
    }

    /// Somebody who was admitted is done. Returns who is admitted now.
    package mutating func finished(price: Int) -> [Ticket] {
        precondition(running > 0 && admittedBytes >= price, "more was given back than was taken")
        running -= 1
        admittedBytes -= price
        return admitWaiting()
    }

    /// Somebody who waits does not wait any longer. Returns whether it did wait, and who is admitted now: the
    /// one behind a dear one may fit.
    package mutating func gaveUp(_ ticket: Ticket) -> (wasWaiting: Bool, admitted: [Ticket]) {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return (false, []) }
        waiting.remove(at: index)
        return (true, admitWaiting())
    }

    private mutating func admitWaiting() -> [Ticket] {
        var count = 0
        while count < waiting.count, fits(waiting[count].price) {
            admit(waiting[count].price)
            count += 1
        }
        defer { waiting.removeFirst(count) }
        return waiting[..<count].map(\.ticket)
    }

    private func fits(_ price: Int) -> Bool { running < maxRunning && price <= budget - admittedBytes }

    private mutating func admit(_ price: Int) {
        running += 1
        admittedBytes += price
    }
}
