/* SPDX-License-Identifier: ISC */
#include "worker/roles.h"

const struct child_role *const worker_roles[] = {
    &accounts_role,
    &session_role,
    &queue_role,
    NULL,
};
