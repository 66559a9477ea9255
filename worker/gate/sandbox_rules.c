/* SPDX-License-Identifier: ISC */
#include "worker/gate/sandbox_rules.h"

/*
 * No file is opened, no socket made or connected, nothing executed, no process made. What is
 * written to are sockets, and the bodies of messages that queue hands over.
 */
static const char *const syscalls[] = {
    "accept4",
    "setsockopt", /* TCP_NODELAY, SO_KEEPALIVE */
    NULL,
};

const struct sandbox_rules gate_sandbox_rules = {
    .role = "gate",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .file_size = 0,   /* gate_prepare() limits it, when it knows how large a message may be */
    .descriptors = 0, /* as the admin has it; gate.c counts connections by it */
};
