// SPDX-License-Identifier: Apache-2.0
#include "CPage.h"

// The page travels inside the program, so that there is nothing to install beside it.
// The compiler lists what it embeds among the dependencies of this file: a change of a page rebuilds it.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char api_mjs[] = {
#embed "web/api.mjs"
};
static const unsigned char arrival_mjs[] = {
#embed "web/arrival.mjs"
};
static const unsigned char cards_mjs[] = {
#embed "web/cards.mjs"
};
static const unsigned char colour_mjs[] = {
#embed "web/colour.mjs"
};
static const unsigned char dom_mjs[] = {
#embed "web/dom.mjs"
};
static const unsigned char drop_mjs[] = {
#embed "web/drop.mjs"
};
static const unsigned char figures_mjs[] = {
#embed "web/figures.mjs"
};
static const unsigned char histogram_mjs[] = {
#embed "web/histogram.mjs"
};
static const unsigned char icon_svg[] = {
#embed "web/icon.svg"
};
static const unsigned char levels_mjs[] = {
#embed "web/levels.mjs"
};
static const unsigned char main_mjs[] = {
#embed "web/main.mjs"
};
static const unsigned char npy_mjs[] = {
#embed "web/npy.mjs"
};
static const unsigned char paint_mjs[] = {
#embed "web/paint.mjs"
};
static const unsigned char pane_mjs[] = {
#embed "web/pane.mjs"
};
static const unsigned char snippets_mjs[] = {
#embed "web/snippets.mjs"
};
static const unsigned char status_mjs[] = {
#embed "web/status.mjs"
};
static const unsigned char style_css[] = {
#embed "web/style.css"
};
static const unsigned char tiles_mjs[] = {
#embed "web/tiles.mjs"
};
static const unsigned char viewer_mjs[] = {
#embed "web/viewer.mjs"
};
static const unsigned char volume_mjs[] = {
#embed "web/volume.mjs"
};
static const unsigned char words_mjs[] = {
#embed "web/words.mjs"
};

#define FILE_OF(symbol, name, type) {name, type, symbol, sizeof symbol}

static const struct cpage_file files[] = {
    FILE_OF(index_html, "index.html", "text/html; charset=utf-8"),
    FILE_OF(api_mjs, "api.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(arrival_mjs, "arrival.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(cards_mjs, "cards.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(colour_mjs, "colour.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(dom_mjs, "dom.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(drop_mjs, "drop.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(figures_mjs, "figures.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(histogram_mjs, "histogram.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(icon_svg, "icon.svg", "image/svg+xml"),
    FILE_OF(levels_mjs, "levels.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(main_mjs, "main.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(npy_mjs, "npy.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(paint_mjs, "paint.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(pane_mjs, "pane.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(snippets_mjs, "snippets.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(status_mjs, "status.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(style_css, "style.css", "text/css; charset=utf-8"),
    FILE_OF(tiles_mjs, "tiles.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(viewer_mjs, "viewer.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(volume_mjs, "volume.mjs", "text/javascript; charset=utf-8"),
    FILE_OF(words_mjs, "words.mjs", "text/javascript; charset=utf-8"),
};

size_t cpage_count(void) { return sizeof files / sizeof files[0]; }

struct cpage_file cpage_at(size_t index) {
    struct cpage_file none = {"", "", (const unsigned char *)"", 0};
    return index < cpage_count() ? files[index] : none;
}
