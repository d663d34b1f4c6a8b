// SPDX-License-Identifier: Apache-2.0
import ChunkCodecs
import HTTPTypes

extension Route {
    /// What `method` of this route takes and answers. `HEAD` is described by its `GET`.
    func operation(_ method: HTTPRequest.Method) -> DescribedOperation {
        switch self {
        case .page: page("page", "A page for people: the volumes, a viewer, links, and a form.", ["/"])
        case .pageFile: pageFile
        case .pyramid: pyramid
        case .volumes: volumes
        case .volume:
            switch method {
            case .put: upload
            case .delete: delete
            default: volume
            }
        case .cutout: cutout
        case .preview: preview
        case .info: info
        case .chunk: chunk
        case .zarr: zarr
        case .openAPI:
            representation(.operations, "openAPI", "This document.", [("application/json", .foreign)])
        case .health: probe("health", "200 while the process lives.", ("application/json", .status))
        case .ready: ready
        case .version: probe("version", "What runs here.", ("application/json", .version))
        case .metrics: probe("metrics", "Figures for Prometheus.", (PrometheusText.mediaType, .text))
        }
    }

    // MARK: The page

    private func page(
        _ id: String,
        _ summary: String,
        _ paths: [String],
        _ parameters: [DescribedParameter] = [],
        _ errors: [DescribedError] = []
    ) -> DescribedOperation {
        let types = Set(paths.compactMap { EmbeddedPage.files[$0]?.type })
        let content = types.sorted().map { type -> DescribedAnswer.Content in (type, .binary) }
        return representation(.page, id, summary, content, parameters, errors)
    }

    private var pageFile: DescribedOperation {
        page(
            "pageFile",
            "What the page loads.",
            EmbeddedPage.files.keys.filter { $0 != "/" },
            [.path("file", "The name of a file of the page.", example: "main.mjs")],
            [.notFound]
        )
    }

    // MARK: Pyramids

    private var pyramid: DescribedOperation {
        DescribedOperation(
            tag: .pyramids,
            id: "makePyramid",
            summary: "The mips of one array.",
            details:
                "The levels come in rising order. The answer begins when the upload has ended, unless Prefer asks "
                + "for more.",
            parameters: DescribedParameter.pyramid + [
                .contentEncoding, .acceptEncoding,
                .field("Prefer", "respond-early: the answer may begin before the upload has ended."),
            ],
            bodies: BodyKind.allCases,
            answers: [
                DescribedAnswer(
                    status: 200,
                    words: "The levels, in the format that was asked for.",
                    content: AnswerFormat.allCases.map { ($0.mediaType, .binary) },
                    fields: [
                        ("Pyramid-Dtype", "The dtype of all levels."),
                        ("Pyramid-Order", "F or C."),
                        (
                            "Pyramid-Levels",
                            "The mip and the shape of each level (RFC 9651): (1 256 256 100), (2 128 128 100)."
                        ),
                        ("Vary", "What was negotiated."),
                    ]
                )
            ],
            errors: [.notAcceptable, .unsupportedMediaType]
        )
    }

    // MARK: Volumes

    private var volumes: DescribedOperation {
        DescribedOperation(
            tag: .volumes,
            id: "volumes",
            summary: "All volumes, in order of their names.",
            answers: [
                DescribedAnswer(status: 200, words: "The list.", content: [("application/json", .volumeList)])
            ]
        )
    }

    private var volume: DescribedOperation {
        DescribedOperation(
            tag: .volumes,
            id: "volume",
            summary: "One volume.",
            parameters: [.volumeName],
            answers: [
                DescribedAnswer(status: 200, words: "The volume.", content: [("application/json", .volume)])
            ],
            errors: [.notFound]
        )
    }

    private var upload: DescribedOperation {
        DescribedOperation(
            tag: .volumes,
            id: "uploadVolume",
            summary: "Keeps an array and all its mips as a volume.",
            details:
                "Nothing of it can be seen before all of it is on disk, and nothing remains of an upload that fails.",
            parameters: [.volumeName] + DescribedParameter.upload + [.contentEncoding, .ifMatch],
            bodies: BodyKind.allCases,
            answers: [
                DescribedAnswer(
                    status: 201,
                    words: "Every chunk is durable.",
                    content: [("application/json", .volume)],
                    fields: [("Location", "The volume."), ("ETag", "Of its info.")]
                )
            ],
            errors: [.conflict, .preconditionFailed, .unsupportedMediaType, .noStorage]
        )
    }

    private var delete: DescribedOperation {
        DescribedOperation(
            tag: .volumes,
            id: "deleteVolume",
            summary: "Removes an uploaded volume; 405 for one of the configuration.",
            parameters: [.volumeName, .ifMatch],
            answers: [DescribedAnswer(status: 204, words: "It is gone.")],
            errors: [.notFound, .methodNotAllowed, .conflict, .preconditionFailed, .noStorage]
        )
    }

    private var cutout: DescribedOperation {
        DescribedOperation(
            tag: .volumes,
            id: "cutout",
            summary: "Any box of any mip.",
            parameters: [.volumeName] + DescribedParameter.cutout + [.acceptEncoding],
            answers: [
                DescribedAnswer(
                    status: 200,
                    words: "The voxels, x fastest; several channels are the last axis.",
                    content: [("application/x-npy", .binary), ("application/octet-stream", .binary)],
                    fields: [
                        ("Pyramid-Dtype", "The dtype."), ("Pyramid-Order", "F."),
                        ("Pyramid-Shape", "The shape (RFC 9651): (64 64 32)."),
                    ]
                )
            ],
            errors: DescribedError.reading + [.notAcceptable]
        )
    }

    private var preview: DescribedOperation {
        representation(
            .volumes,
            "preview",
            "One slice as a picture, in the proportions of the volume.",
            [("image/png", .binary)],
            [.volumeName] + DescribedParameter.preview,
            DescribedError.reading
        )
    }

    // MARK: Viewers

    private var info: DescribedOperation {
        representation(
            .viewers,
            "info",
            "The info of a precomputed volume with all mips: precomputed://http://HOST/precomputed/NAME.",
            [("application/json", .foreign)],
            [.volumeName],
            DescribedError.reading
        )
    }

    private var chunk: DescribedOperation {
        representation(
            .viewers,
            "chunk",
            "A chunk in the encoding of its scale, made now if it was not yet.",
            ["application/octet-stream", "image/jpeg", "image/png", "image/jxl"].map { ($0, .binary) },
            [
                .volumeName, .path("scale", "The key of a scale of the info.", example: "8_8_40"),
                .path(
                    "chunk",
                    "x0-x1_y0-y1_z0-z1 in voxels of the scale, on its grid, ends excluded.",
                    example: "0-64_0-64_0-64",
                    DescribedParameter.box
                ),
                .acceptEncoding,
            ],
            DescribedError.reading + [.notAcceptable]
        )
    }

    private var zarr: DescribedOperation {
        representation(
            .viewers,
            "zarr",
            "A file of the volume as OME-Zarr 0.4: zarr://http://HOST/zarr/NAME.",
            [("application/json", .foreign), ("application/octet-stream", .binary)],
            [
                .volumeName,
                .path(
                    "key",
                    "The path of the file, slashes included: .zattrs, 0/.zarray, 0/0/0/0.",
                    example: ".zattrs"
                ),
                .field(
                    "Accept-Encoding",
                    "gzip, where the client takes it, gives gzip chunks; JSON is never packed."
                ),
            ],
            DescribedError.reading + [.notAcceptable]
        )
    }

    // MARK: Operations

    private var ready: DescribedOperation {
        DescribedOperation(
            tag: .operations,
            id: "ready",
            summary: "Whether requests are welcome.",
            answers: [
                DescribedAnswer(status: 200, words: "They are.", content: [("application/json", .status)]),
                DescribedAnswer(
                    status: 503,
                    words: "The service is starting or stopping, or has too many connections.",
                    content: [("application/json", .status), (Problem.mediaType, .problem)]
                ),
            ]
        )
    }

    private func probe(_ id: String, _ summary: String, _ content: DescribedAnswer.Content)
        -> DescribedOperation
    {
        DescribedOperation(
            tag: .operations,
            id: id,
            summary: summary,
            answers: [DescribedAnswer(status: 200, words: summary, content: [content])]
        )
    }

    /// What ``RepresentationAnswer`` answers.
    private func representation(
        _ tag: OperationTag,
        _ id: String,
        _ summary: String,
        _ content: [DescribedAnswer.Content],
        _ parameters: [DescribedParameter] = [],
        _ errors: [DescribedError] = []
    ) -> DescribedOperation {
        let etag = (name: "ETag", words: "Changes with the bytes, and with their coding.")
        return DescribedOperation(
            tag: tag,
            id: id,
            summary: summary,
            parameters: parameters + DescribedParameter.conditions,
            answers: [
                DescribedAnswer(status: 200, words: "All of it.", content: content, fields: [etag]),
                DescribedAnswer(
                    status: 206,
                    words: "The range that was asked for.",
                    content: content.map { ($0.type, nil) },
                    fields: [etag, ("Content-Range", "Which bytes, and of how many.")]
                ),
                DescribedAnswer(status: 304, words: "Nothing has changed.", fields: [etag]),
            ],
            errors: errors + DescribedError.conditions
        )
    }
}
