// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

// The C library declares these two only to those who define _GNU_SOURCE before its first header,
// which an imported module cannot be sure to do.
extern int accept4(int, struct sockaddr *restrict, socklen_t *restrict, int);
extern int pthread_setname_np(pthread_t, const char *);

/// Asks the scheduler to run the calling thread in slices of 0.1 ms: it then waits less behind threads that compute.
/// Kernels before Linux 6.12 ignore the wish; if the call fails, the thread is scheduled as any other.
static inline void cuv_take_short_turns(void) {
#if defined(SYS_sched_setattr)
    // The kernel's struct sched_attr in its first version; not every C library has one.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes, .runtime = 100000};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}
