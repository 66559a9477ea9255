/* SPDX-License-Identifier: ISC */
#include "worker/dns/sandbox_rules.h"

#include <sys/socket.h>

const struct sandbox_argument outgoing_arguments[] = {
    {"socket", 0, UINT64_MAX, AF_INET},
    {"socket", 0, UINT64_MAX, AF_INET6},
    {NULL, 0, 0, 0},
};
