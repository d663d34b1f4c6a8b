// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import Downsampling
import Volumes
import Voxels

/// The queries. A parameter that a request takes and nobody describes here fails a test.
extension DescribedParameter {
    private static let whole = "[0-9]{1,15}"
    private static let types = VoxelType.allCases.filter { $0 != .bool }.map(\.rawValue)

    /// Of `POST /v1/pyramid`: ``PyramidQuery/names``.
    static var pyramid: [DescribedParameter] {
        array(methods.defaulting(to: Method.average.rawValue)) + [
            .query(
                "precision",
                "exact: from mip 0, no drift, the true mode.",
                precision.defaulting(to: "compat")
            ),
            .query(
                "factor",
                "By how much each mip is coarser along x, y, z, channel, time; those that are missing are 1.",
                numbers("1 to 5 whole numbers from 1.", 0...4, upTo: .max).defaulting(to: "2,2,1")
            ),
            .query(
                "mips",
                "How many mips are made; all: until no downsampled axis is longer than 1.",
                .pattern("(all|0*([1-9]|[12][0-9]|3[0-2]))").defaulting(to: "1")
            ),
            .query(
                "levels",
                "Which mips are sent, one or a range: 3, 2-5. All, if it is left out.",
                .pattern("0*([1-9]|[12][0-9]|3[0-2])(-0*([1-9]|[12][0-9]|3[0-2]))?")
            ),
            .query(
                "format",
                "The answer; wins over Accept. Npz, if neither says.",
                .choice(AnswerFormat.allCases.map(\.rawValue))
            ),
        ]
    }

    /// Of `PUT /v1/volumes/{name}`: ``UploadQuery/names``.
    static var upload: [DescribedParameter] {
        // The method follows the kind here, if it is left out: there is no one default.
        array(methods) + [
            .query("precision", "compat: what one tinybrain call gives.", precision.defaulting(to: "exact")),
            .query(
                "factor",
                "By how much each mip is coarser along x, y, z; auto: towards cubes.",
                .pattern("(auto|\(whole)(,\(whole)){0,4})").defaulting(to: "2,2,1")
            ),
            .query(
                "mips",
                "How many mips are made; all: until one chunk holds the volume.",
                .pattern("(all|0*([0-9]|[12][0-9]|3[0-2]))").defaulting(to: "all")
            ),
            .query(
                "kind",
                "What the voxels are. By the method and the dtype, if it is left out.",
                .choice(VolumeKind.allCases.map(\.rawValue))
            ),
            .query(
                "resolution",
                "Nanometres a voxel along x, y, z.",
                .pattern("[0-9.e+-]{1,24}(,[0-9.e+-]{1,24}){2}", "Three numbers above 0.").defaulting(
                    to: "1,1,1"
                )
            ),
            .query(
                "voxel_offset",
                "The first voxel along x, y, z.",
                .pattern("-?\(whole)(,-?\(whole)){2}").defaulting(to: "0,0,0")
            ),
            .query(
                "chunk_size",
                "Voxels of a chunk along x, y, z.",
                numbers("Three whole numbers, 1 to 4096, of 2^27 voxels at most.", 2...2, upTo: 4096)
                    .defaulting(to: "64,64,64")
            ),
            .query(
                "encoding",
                "Of the chunks that are kept. By the kind, if it is left out.",
                .choice(ChunkEncoding.allCases.filter(\.isReadable).map(\.rawValue))
            ),
        ]
    }

    /// Of `GET /v1/volumes/{name}/cutout`: ``CutoutHandler/parameters``.
    static var cutout: [DescribedParameter] {
        [
            mip,
            .query(
                "bbox",
                "x0-x1_y0-y1_z0-z1 in voxels of the mip, ends excluded. All of it, if it is left out.",
                box
            ),
            .query("format", "The answer.", .choice(["npy", "raw"]).defaulting(to: "npy")),
        ]
    }

    /// Of `GET /v1/volumes/{name}/preview.png`: ``PreviewHandler/parameters``.
    static var preview: [DescribedParameter] {
        [
            mip,
            .query(
                "axis",
                "Which axis the slice is cut across.",
                .choice(["x", "y", "z"]).defaulting(to: "z")
            ),
            .query(
                "at",
                "Where, in voxels of the mip that is named, else of mip 0. The middle, if it is left out.",
                .typed("integer")
            ),
            .query(
                "range",
                "LOW,HIGH: what is black and what is white.",
                .pattern("[0-9.e+-]{1,24},[0-9.e+-]{1,24}")
            ),
            .query("size", "Pixels along the longer side.", .whole(16...4096)),
        ]
    }

    /// The name of a chunk: `x0-x1_y0-y1_z0-z1`, ends excluded.
    static var box: JSONValue {
        .pattern("-?\(whole)--?\(whole)_-?\(whole)--?\(whole)_-?\(whole)--?\(whole)")
    }

    /// What describes an array and how its voxels are reduced.
    private static func array(_ methods: JSONValue) -> [DescribedParameter] {
        [
            .query(
                "method",
                "What stands for a box of voxels: average and median for images, mode for labels.",
                methods
            ),
            .query(
                "sparse",
                "Whether zero is background, left out of means and modes.",
                .object(["type": .string("boolean"), "default": .bool(false)])
            ),
            .query(
                "shape",
                "Voxels along x, y, z, channel, time; a raw body needs it, an .npy body says it itself.",
                numbers("1 to 5 whole numbers from 1.", 0...4, upTo: .max)
            ),
            .query("dtype", "Of a voxel; a raw body needs it.", .choice(types)),
            .query(
                "order",
                "Of a raw body and a raw answer. F: x is fastest.",
                .choice(MemoryOrder.allCases.map(\.rawValue)).defaulting(to: "F")
            ),
        ]
    }

    private static var methods: JSONValue { .choice(Method.allCases.map(\.rawValue)) }

    private static var mip: DescribedParameter {
        .query("mip", "Which level; 0 is the finest.", .whole(0...Int.max))
    }

    private static var precision: JSONValue { .choice(Precision.allCases.map(\.rawValue)) }

    /// Whole numbers from 1 to `limit`, separated by commas; `more` is how many follow the first.
    private static func numbers(_ words: String, _ more: ClosedRange<Int>, upTo limit: Int) -> JSONValue {
        let number = DecimalPattern.whole(upTo: limit)
        return .pattern("\(number)(,\(number)){\(more.lowerBound),\(more.upperBound)}", words)
    }
}
