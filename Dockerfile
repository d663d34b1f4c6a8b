# SPDX-License-Identifier: Apache-2.0
#
# docker build -t pyramidion .
# docker run -p 8080:8080 pyramidion
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libcurl4-openssl-dev libisal-dev libspng-dev \
        libturbojpeg0-dev libuv1-dev libyaml-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product pyramidion \
    && strip .build/release/pyramidion

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libisal2 libspng0 libstdc++6 \
        libturbojpeg0 libuv1 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --uid 65532 --no-create-home --shell /usr/sbin/nologin pyramidion \
    && install -d -o pyramidion -g pyramidion /data
COPY --from=build /src/.build/release/pyramidion /usr/local/bin/pyramidion
COPY config/pyramidion.yaml /etc/pyramidion/pyramidion.yaml
USER 65532:65532
WORKDIR /data
ENV PYRAMIDION_LISTEN=0.0.0.0:8080 \
    PYRAMIDION_DATA=/data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["/usr/local/bin/pyramidion", "healthcheck", "http://127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/pyramidion"]
CMD ["serve", "--config", "/etc/pyramidion/pyramidion.yaml"]
