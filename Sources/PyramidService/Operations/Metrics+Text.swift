// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Origins
import Synchronization

/// What is counted elsewhere and shown with ``Metrics``.
struct ServiceLoad {
    var server: ServerCounters?
    var admission: Admission.Load
    var memoryBudget: Int
    var lanes: Int
    var busyLanes: Int
    var queuedWork: Int
    var sidecar: SidecarLoad
}

/// What is counted where volumes are served.
struct SidecarLoad {
    var counts: SidecarCounters.Counts
    var cache: ObjectCacheCounts
    var disk: DiskBudget.Counts?
    var boxes: Admission.Load
}

extension Metrics {
    /// Returns everything in Prometheus' text format, in a fixed order.
    func text(_ load: ServiceLoad, build: BuildInformation) -> String {
        var text = PrometheusText()
        let state = snapshot
        text.family("pyramidion_build_info", .gauge, "What runs, and for which processor; always 1.")
        text.sample("pyramidion_build_info", [("version", build.version), ("cpu", build.cpuVariant)], 1)
        requests(state, &text)
        text.family("pyramidion_voxels_total", .counter, "Voxels of mip 0 that were made into pyramids.")
        for (key, count) in state.voxels.sorted(by: {
            ($0.key.method, $0.key.dtype) < ($1.key.method, $1.key.dtype)
        }) {
            text.sample("pyramidion_voxels_total", [("method", key.method), ("dtype", key.dtype)], count)
        }
        text.family("pyramidion_refusals_total", .counter, "Requests that met a limit, by its key.")
        for (limit, count) in state.refusals.sorted(by: { $0.key < $1.key }) {
            text.sample("pyramidion_refusals_total", [("limit", limit)], count)
        }
        text.family(
            "pyramidion_compression_bytes_total",
            .counter,
            "Bytes of compressed bodies, packed and plain."
        )
        for (direction, packing) in [("request", state.inflated), ("answer", state.deflated)] {
            let labels: PrometheusText.Labels = [("direction", direction)]
            text.sample("pyramidion_compression_bytes_total", labels + [("form", "packed")], packing.packed)
            text.sample("pyramidion_compression_bytes_total", labels + [("form", "plain")], packing.plain)
        }
        if let server = load.server { connections(server, &text) }
        gauges(load, &text)
        volumes(load.sidecar, &text)
        return text.text
    }

    private func volumes(_ load: SidecarLoad, _ text: inout PrometheusText) {
        let counts = load.counts
        text.counter("pyramidion_chunks_made_total", "Chunks of made levels that were made.", counts.made)
        text.counter("pyramidion_chunks_unkept_total", "Made chunks that could not be kept.", counts.unkept)
        text.counter("pyramidion_source_objects_total", "Chunks read from sources.", counts.sourceObjects)
        text.counter("pyramidion_source_bytes_total", "Bytes read from sources.", counts.sourceBytes)
        text.counter(
            "pyramidion_source_failures_total",
            "Chunks that a source did not give, or that were broken.",
            counts.sourceFailures
        )
        text.counter("pyramidion_cache_hits_total", "Chunks found in memory.", load.cache.hits)
        text.counter("pyramidion_cache_misses_total", "Chunks not found in memory.", load.cache.misses)
        text.counter("pyramidion_cache_evictions_total", "Chunks pushed out of memory.", load.cache.evictions)
        text.gauge("pyramidion_cache_bytes", "Chunks in memory.", load.cache.bytes)
        text.gauge("pyramidion_kept_bytes", "Kept chunks on disk, if there is a limit.", load.disk?.used ?? 0)
        text.counter(
            "pyramidion_kept_evictions_total",
            "Kept chunks removed for the limit on disk.",
            load.disk?.evictedFiles ?? 0
        )
        text.gauge(
            "pyramidion_boxes_admitted_bytes",
            "Memory of cutouts, pictures and uploads under way.",
            load.boxes.admittedBytes
        )
    }

    private func requests(_ state: State, _ text: inout PrometheusText) {
        text.family(
            "pyramidion_requests_total",
            .counter,
            "Requests that were answered, or whose client left (499)."
        )
        let routes = state.requests.sorted { $0.key < $1.key }
        let order: (Outcome) -> (String, Int) = { ($0.method, $0.status) }
        for (route, series) in routes {
            for (outcome, count) in series.outcomes.sorted(by: { order($0.key) < order($1.key) }) {
                let labels: PrometheusText.Labels = [
                    ("route", route), ("method", outcome.method), ("status", "\(outcome.status)"),
                ]
                text.sample("pyramidion_requests_total", labels, count)
            }
        }
        let families: [(String, String, KeyPath<Series, Histogram>)] = [
            (
                "pyramidion_request_duration_seconds", "From the head to the end of the answer.",
                \.durations
            ),
            ("pyramidion_request_body_bytes", "Bodies as they were received.", \.receivedBytes),
            ("pyramidion_answer_body_bytes", "Bodies as they were sent.", \.sentBytes),
        ]
        for (name, help, histogram) in families {
            text.family(name, .histogram, help)
            for (route, series) in routes {
                text.histogram(name, [("route", route)], series[keyPath: histogram])
            }
        }
    }

    private func connections(_ server: ServerCounters, _ text: inout PrometheusText) {
        text.counter("pyramidion_connections_accepted_total", "Connections so far.", server.accepted.value)
        text.counter(
            "pyramidion_connections_refused_total",
            "Connections over a limit.",
            server.refused.value
        )
        text.counter(
            "pyramidion_protocol_errors_total",
            "Requests that were no valid HTTP.",
            server.protocolErrors.value
        )
        text.counter("pyramidion_received_bytes_total", "Bytes from clients.", server.bytesIn.value)
        text.counter("pyramidion_sent_bytes_total", "Bytes to clients.", server.bytesOut.value)
    }

    private func gauges(_ load: ServiceLoad, _ text: inout PrometheusText) {
        text.gauge("pyramidion_connections", "Open connections.", load.server?.connections.value ?? 0)
        text.gauge("pyramidion_pyramids_running", "Pyramids under way.", load.admission.running)
        text.gauge("pyramidion_pyramids_waiting", "Pyramids that wait for memory.", load.admission.waiting)
        text.gauge(
            "pyramidion_memory_admitted_bytes",
            "Memory of the pyramids under way.",
            load.admission.admittedBytes
        )
        text.gauge("pyramidion_memory_budget_bytes", "Memory that pyramids may have.", load.memoryBudget)
        text.gauge("pyramidion_lanes", "Lanes that compute.", load.lanes)
        text.gauge("pyramidion_lanes_busy", "Lanes at work.", load.busyLanes)
        text.gauge("pyramidion_lane_queue", "Pieces of work that wait for a lane.", load.queuedWork)
    }
}
