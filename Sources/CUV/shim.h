// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <pthread.h>
#include <sys/socket.h>
#include <uv.h>

// The C library declares these two only to those who define _GNU_SOURCE before its first header,
// which an imported module cannot be sure to do.
extern int accept4(int, struct sockaddr *restrict, socklen_t *restrict, int);
extern int pthread_setname_np(pthread_t, const char *);
