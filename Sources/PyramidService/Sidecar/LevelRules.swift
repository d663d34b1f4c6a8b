// SPDX-License-Identifier: Apache-2.0
package import Downsampling
package import Volumes
import Voxels

/// Turns planned scales into rules, and finds what cannot be.
package struct LevelRules: Sendable {
    package let method: Method
    package let precision: Precision
    package let sparse: Bool

    /// Why levels cannot be made so; begins small, for the middle of a sentence.
    package struct Refusal: Error, Sendable, Equatable {
        /// The parameter of an upload that cannot be so.
        package var parameter = "precision"
        package let message: String
    }

    package init(method: Method, precision: Precision, sparse: Bool) {
        self.method = method
        self.precision = precision
        self.sparse = sparse
    }

    /// What a volume of this kind is reduced by when nobody says.
    package static func usualMethod(_ kind: VolumeKind) -> Method { kind == .image ? .average : .mode }

    /// Returns a rule for each made scale; `info` is that of what is there already.
    /// - Throws: ``Refusal``.
    package func rules(for made: [MadeScale], of info: VolumeInfo) throws(Refusal) -> [LevelRule] {
        try checkSparse()
        let last = info.scales.count - 1
        var rules: [LevelRule] = []
        for (number, scale) in made.enumerated() {
            let steps =
                precision == .compat && method == .average ? try compatSteps(number, made, info.type) : 1
            let rule = LevelRule(
                base: last + number + 1 - steps,
                stepFactor: scale.factor,
                steps: steps,
                method: method,
                precision: precision,
                sparse: sparse
            )
            let base = number >= steps ? made[number - steps].scale : info.scales[last]
            try checkAlignment(scale.scale, base, rule)
            try checkEngine(scale.scale, rule, info)
            rules.append(rule)
        }
        return rules
    }

    /// What cannot be whatever the volume is, and so is refused although no level may have to be made.
    private func checkSparse() throws(Refusal) {
        guard sparse else { return }
        switch method {
        case .min, .max, .stride:
            throw Refusal(
                parameter: "sparse",
                message: "it says nothing for method=\(method.rawValue); leave it out, or say false"
            )
        case .average where precision == .compat:
            throw Refusal(
                message:
                    "compat averages that are sparse carry more from level to level than the levels hold; "
                    + "allowed: precision exact"
            )
        case .average, .mode, .median: break
        }
    }

    /// Averages that are cut off only every few levels are made in groups, each of the same base.
    private func compatSteps(_ number: Int, _ made: [MadeScale], _ type: VoxelType) throws(Refusal) -> Int {
        guard !type.isFloat, type.byteWidth <= 2 else {
            throw Refusal(
                message:
                    "compat averages of \(type.rawValue) carry more from level to level "
                    + "than the levels hold; allowed: precision exact"
            )
        }
        let factor = made[number].factor
        guard made.allSatisfy({ $0.factor == factor }) else {
            throw Refusal(
                message:
                    "compat averages need one factor for all levels; allowed: precision exact, or a fixed factor"
            )
        }
        switch (factor.entries, type.byteWidth) {
        case ([2, 2, 1], _): return number % 4 + 1
        case ([2, 2, 2], 1): return number % 8 + 1
        case ([2, 2, 2], _): return number % 5 + 1
        default: return number + 1
        }
    }

    /// tinybrain's blocks begin with the array, those of a volume at coordinate 0.
    private func checkAlignment(_ scale: ScaleInfo, _ base: ScaleInfo, _ rule: LevelRule) throws(Refusal) {
        let factor = rule.factor
        guard precision == .compat, (0..<3).contains(where: { base.bounds.begin[$0] % factor[$0] != 0 })
        else {
            return
        }
        throw Refusal(
            message:
                "compat begins its blocks with the array, and the voxel offset \(base.bounds.begin.entries) of "
                + "\(base.key) is no multiple of the factor \(factor.entries) to \(scale.key); allowed: precision "
                + "exact, or fewer mips"
        )
    }

    private func checkEngine(_ scale: ScaleInfo, _ rule: LevelRule, _ info: VolumeInfo) throws(Refusal) {
        do {
            let channels = info.channels > 1 ? [info.channels] : []
            let spec = PyramidSpec(
                type: info.type,
                shape: try Shape(scale.chunkExtents[0].entries + channels),
                method: method,
                precision: precision,
                factor: try Factor(rule.stepFactor.entries),
                mips: .count(rule.steps),
                sparse: sparse
            )
            _ = try PyramidPlan(spec)
        } catch {
            // The name of the parameter, and what is wrong with it, without the end of a sentence.
            if case .parameter(let name, let what) = ServiceError(error) {
                throw Refusal(
                    parameter: name,
                    message: String(what.hasSuffix(".") ? what.dropLast() : what[...])
                )
            }
            throw Refusal(message: ServiceError(error).detail)
        }
    }
}
