/* SPDX-License-Identifier: ISC */
/* sandbox_rules - what a role needs that asks DNS (resolver.h) and connects to others. */
#ifndef POSTERN_WORKER_DNS_SANDBOX_RULES_H
#define POSTERN_WORKER_DNS_SANDBOX_RULES_H

#include "common/sandbox.h"

/* Beside the base list. No listening socket: bind(2) is for a source address. */
#define OUTGOING_SYSCALLS "bind", "connect", "getpeername", "getsockname", "setsockopt"

/* Sockets of IPv4 and IPv6 only. */
extern const struct sandbox_argument outgoing_arguments[];

#endif
