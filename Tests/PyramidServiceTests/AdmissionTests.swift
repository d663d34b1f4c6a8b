// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import PyramidService
import Testing

@Test("What fits is admitted, what does not waits, and what never can is refused")
func arrivals() {
    var queue = AdmissionQueue(budget: 100, maxRunning: 10, maxWaiting: 2)
    #expect(queue.arrived(1, price: 60) == .admitted)
    #expect(queue.arrived(2, price: 101) == .tooDear)
    #expect(queue.arrived(3, price: 50) == .waits)
    #expect(queue.arrived(4, price: 100) == .waits)
    #expect(queue.arrived(5, price: 1) == .queueFull)
    #expect(queue.admittedBytes == 60 && queue.running == 1 && queue.waitingCount == 2)
}

@Test("Nobody overtakes, however small")
func fifo() {
    var queue = AdmissionQueue(budget: 100, maxRunning: 10, maxWaiting: 10)
    #expect(queue.arrived(1, price: 60) == .admitted)
    #expect(queue.arrived(2, price: 100) == .waits)
    #expect(queue.arrived(3, price: 1) == .waits)
    #expect(queue.finished(price: 60) == [2])
    #expect(queue.finished(price: 100) == [3])
}

@Test("One end may admit several")
func severalAtOnce() {
    var queue = AdmissionQueue(budget: 100, maxRunning: 2, maxWaiting: 10)
    #expect(queue.arrived(1, price: 100) == .admitted)
    for ticket in 2...4 { #expect(queue.arrived(UInt64(ticket), price: 10) == .waits) }
    #expect(queue.finished(price: 100) == [2, 3])
    #expect(queue.running == 2 && queue.waitingCount == 1)
}

@Test("When a dear one gives up, those behind it are admitted")
func givingUp() {
    var queue = AdmissionQueue(budget: 100, maxRunning: 10, maxWaiting: 10)
    _ = queue.arrived(1, price: 60)
    _ = queue.arrived(2, price: 100)
    _ = queue.arrived(3, price: 40)
    let (wasWaiting, admitted) = queue.gaveUp(2)
    #expect(wasWaiting && admitted == [3])
    #expect(queue.gaveUp(2).wasWaiting == false)
    #expect(queue.admittedBytes == 100)
}

@Test("Any sequence of arrivals and ends keeps within the budget and ends at nothing")
func randomSequences() {
    var seed = UInt64.random(in: .min ... .max)
    let first = seed
    func random(_ bound: UInt64) -> Int {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((seed >> 33) % bound)
    }
    var queue = AdmissionQueue(budget: 100, maxRunning: 5, maxWaiting: 8)
    var prices: [UInt64: Int] = [:]
    var running: Set<UInt64> = []
    for ticket in UInt64(1)...2_000 {
        prices[ticket] = random(120)
        if queue.arrived(ticket, price: prices[ticket] ?? 0) == .admitted { running.insert(ticket) }
        if random(2) == 0, let done = running.randomElement() {
            running.remove(done)
            running.formUnion(queue.finished(price: prices[done] ?? 0))
        }
        if random(5) == 0 { running.formUnion(queue.gaveUp(ticket).admitted) }
        let sum = running.reduce(0) { $0 + (prices[$1] ?? 0) }
        guard queue.admittedBytes == sum, sum <= 100, running.count == queue.running, running.count <= 5
        else {
            Issue.record("seed \(first), ticket \(ticket)")
            return
        }
    }
    while let done = running.popFirst() { running.formUnion(queue.finished(price: prices[done] ?? 0)) }
    #expect(queue.admittedBytes == 0 && queue.running == 0 && queue.waitingCount == 0)
}

@Test("A pyramid over the whole budget is 413 and says how much there is")
func tooDear() async {
    let admission = Admission(budget: 100, maxRunning: 1, maxWaiting: 1, wait: .zero)
    let error = await #expect(throws: ServiceError.self) {
        try await admission.enter(price: 101, for: .pyramid)
    }
    #expect(error?.status == .contentTooLarge)
    #expect(error?.detail.contains("101") == true && error?.detail.contains("100") == true)
}

@Test("A wait in vain is 503 with Retry-After, and nothing stays set aside")
func waitInVain() async throws {
    let admission = Admission(budget: 100, maxRunning: 10, maxWaiting: 10, wait: .milliseconds(1))
    try await admission.enter(price: 80, for: .pyramid)
    let error = await #expect(throws: ServiceError.self) {
        try await admission.enter(price: 30, for: .pyramid)
    }
    #expect(error?.status == .serviceUnavailable)
    #expect(error?.fields[.retryAfter] != nil)
    admission.leave(price: 80)
    #expect(admission.load == Admission.Load(admittedBytes: 0, running: 0, waiting: 0))
}

@Test("Whoever waits is admitted when there is room")
func admittedLater() async throws {
    let admission = Admission(budget: 100, maxRunning: 10, maxWaiting: 1_000, wait: .seconds(600))
    try await admission.enter(price: 100, for: .pyramid)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<200 {
            group.addTask {
                try await admission.enter(price: 40, for: .pyramid)
                admission.leave(price: 40)
            }
        }
        admission.leave(price: 100)
        try await group.waitForAll()
    }
    #expect(admission.load == Admission.Load(admittedBytes: 0, running: 0, waiting: 0))
}

@Test("Whoever leaves while waiting takes nothing along")
func cancelledWait() async throws {
    let admission = Admission(budget: 100, maxRunning: 10, maxWaiting: 1_000, wait: .seconds(600))
    try await admission.enter(price: 100, for: .pyramid)
    let tasks = (0..<100).map { _ in Task { try await admission.enter(price: 40, for: .pyramid) } }
    for task in tasks { task.cancel() }
    for task in tasks {
        let result = await task.result
        #expect(throws: ServiceError.clientLeft) { try result.get() }
    }
    admission.leave(price: 100)
    #expect(admission.load == Admission.Load(admittedBytes: 0, running: 0, waiting: 0))
}

@Test("Whoever cannot wait is admitted at once or not at all, and overtakes nobody")
func admissionAtOnce() {
    var queue = AdmissionQueue(budget: 10, maxRunning: 3, maxWaiting: 4)
    let first = [6, 5, 4].map { queue.enteredAtOnce(price: $0) }
    #expect(first == [true, false, true] && queue.waitingCount == 0 && queue.admittedBytes == 10)
    let waiting = queue.arrived(1, price: 8)
    let admitted = queue.finished(price: 4)
    #expect(waiting == .waits && admitted.isEmpty)
    let overtakes = queue.enteredAtOnce(price: 1)
    let next = queue.finished(price: 6)
    #expect(!overtakes && next == [1])
    let last = queue.enteredAtOnce(price: 2)
    #expect(last && queue.running == 2)
}
