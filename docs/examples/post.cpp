// SPDX-License-Identifier: Apache-2.0
//
// Sends an array slice by slice and prints the levels that come back. Needs libcurl and C++17.
//
//   g++ -std=c++17 -O2 post.cpp -o post -lcurl
//   ./post [http://127.0.0.1:8080]
#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int X = 64, Y = 48, Z = 20, Mips = 3;

/// The slices of a stack, as a microscope would hand them over: x fastest in memory.
struct Acquisition {
    std::vector<std::uint8_t> slice;
    std::size_t at = 0;
    int z = 0;

    /// Fills `target` with what comes next; 0 at the end.
    std::size_t read(char *target, std::size_t room) {
        if (at == slice.size()) {
            if (z == Z) return 0;
            slice.resize(std::size_t{X} * Y);
            for (int y = 0; y < Y; y++)
                for (int x = 0; x < X; x++) slice[std::size_t(y) * X + x] = std::uint8_t(x + 2 * y + 3 * z);
            z += 1;
            at = 0;
        }
        const std::size_t count = std::min(room, slice.size() - at);
        std::memcpy(target, slice.data() + at, count);
        at += count;
        return count;
    }
};

std::size_t onRead(char *target, std::size_t size, std::size_t count, void *user) {
    return static_cast<Acquisition *>(user)->read(target, size * count);
}

std::size_t onWrite(char *bytes, std::size_t size, std::size_t count, void *user) {
    static_cast<std::string *>(user)->append(bytes, size * count);
    return size * count;
}

}  // namespace

int main(int count, char **arguments) {
    const std::string base = count > 1 ? arguments[1] : "http://127.0.0.1:8080";
    const std::string url = base + "/v1/pyramid?method=average&factor=2,2,2&format=raw&dtype=uint8&mips="
        + std::to_string(Mips) + "&shape=" + std::to_string(X) + "," + std::to_string(Y) + "," + std::to_string(Z);

    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) return 1;
    curl_slist *list = curl_slist_append(nullptr, "Content-Type: application/octet-stream");
    // No length is known yet, so the body is sent in chunks: nobody holds the whole stack, neither here nor there.
    list = curl_slist_append(list, "Transfer-Encoding: chunked");
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> fields(list, curl_slist_free_all);

    Acquisition acquisition;
    std::string content;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, fields.get());
    curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, onRead);
    curl_easy_setopt(curl.get(), CURLOPT_READDATA, &acquisition);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, onWrite);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &content);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 60L);
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) {
        std::fprintf(stderr, "%s\n", curl_easy_strerror(code));
        return 1;
    }
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        std::fprintf(stderr, "%ld: %s\n", status, content.c_str());
        return 1;
    }

    // "(1 32 24 10), (2 16 12 5)": each level's mip and its shape.
    curl_header *levels = nullptr;
    if (curl_easy_header(curl.get(), "Pyramid-Levels", 0, CURLH_HEADER, -1, &levels) != CURLHE_OK) return 1;
    std::string text = levels->value;
    std::replace(text.begin(), text.end(), ',', ' ');
    std::size_t at = 0;
    for (std::size_t open = text.find('('); open != std::string::npos; open = text.find('(', open + 1)) {
        std::istringstream words(text.substr(open + 1, text.find(')', open) - open - 1));
        int mip = 0;
        words >> mip;
        std::string sizes;
        std::size_t voxels = 1;
        for (std::size_t size = 0; words >> size; voxels *= size)
            sizes += (sizes.empty() ? "" : "x") + std::to_string(size);
        if (voxels > content.size() - at) return 1;
        unsigned long sum = 0;
        for (std::size_t index = at; index < at + voxels; index++) sum += std::uint8_t(content[index]);
        at += voxels;
        std::printf("mip %d: %s sum %lu\n", mip, sizes.c_str(), sum);
    }
}
