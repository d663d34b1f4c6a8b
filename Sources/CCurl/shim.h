// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <curl/curl.h>

// libcurl's options and answers go through variadic functions, which Swift cannot call. Each of these has the one type
// that the option is documented with, in place of libcurl's own checking macros.

static inline CURLcode pyramidion_curl_set_long(CURL *easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode pyramidion_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode pyramidion_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode pyramidion_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode pyramidion_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(easy, option, value);
}

/// Takes the callbacks of CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION, which are of one type.
static inline CURLcode pyramidion_curl_set_receiver(CURL *easy, CURLoption option,
                                                    size_t (*value)(char *, size_t, size_t, void *)) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode pyramidion_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLcode pyramidion_curl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value) {
    return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLcode pyramidion_curl_get_text(CURL *easy, CURLINFO info, char **value) {
    return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLMcode pyramidion_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

static inline CURLMcode pyramidion_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return (curl_multi_setopt)(multi, option, value);
}

static inline CURLMcode pyramidion_multi_set_socket_callback(CURLM *multi,
                                                             int (*value)(CURL *, curl_socket_t, int, void *, void *)) {
    return (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, value);
}

static inline CURLMcode pyramidion_multi_set_timer_callback(CURLM *multi, int (*value)(CURLM *, long, void *)) {
    return (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, value);
}

/// The outcome of a message of kind CURLMSG_DONE: a union in C.
static inline CURLcode pyramidion_multi_outcome(const CURLMsg *message) { return message->data.result; }

/// Stands for no socket: some time has passed.
static inline curl_socket_t pyramidion_multi_timeout_socket(void) { return CURL_SOCKET_TIMEOUT; }

// The C library declares it only to those who define _GNU_SOURCE before its first header, which an imported module
// cannot be sure to do. It is here because the target that imports this module keeps files as well.
extern int syncfs(int);
