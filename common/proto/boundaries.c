/* SPDX-License-Identifier: ISC */
/* The tables behind the boundary headers. */
#include "common/proto/boundaries.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/accounts_verify.h"
#include "common/proto/certd_importer.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/ctl_lookup.h"
#include "common/proto/ctl_master.h"
#include "common/proto/ctl_queue.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_certd.h"
#include "common/proto/gate_queue.h"
#include "common/proto/master_accounts.h"
#include "common/proto/master_certd.h"
#include "common/proto/master_filter.h"
#include "common/proto/master_gate.h"
#include "common/proto/master_queue.h"
#include "common/proto/master_relay.h"
#include "common/proto/master_session.h"
#include "common/proto/master_verify.h"
#include "common/proto/queue_certd.h"
#include "common/proto/queue_filter.h"
#include "common/proto/queue_relay.h"
#include "common/proto/queue_session.h"
#include "common/proto/relay_certd.h"

#define BOUNDARY(symbol, ...)                                          \
	static const struct ipc_rule symbol##_rules[] = {__VA_ARGS__}; \
	const struct ipc_boundary symbol##_boundary = {                \
	    #symbol, symbol##_rules, sizeof(symbol##_rules) / sizeof(symbol##_rules[0])}

BOUNDARY(master_child, MASTER_CHILD_MESSAGES(IPC_RULE));
BOUNDARY(master_gate, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_GATE_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_certd, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_CERTD_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_accounts, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_ACCOUNTS_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_queue, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_QUEUE_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_session, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_SESSION_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_relay, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_RELAY_OWN_MESSAGES(IPC_RULE));
BOUNDARY(ctl_lookup, MASTER_CHILD_MESSAGES(IPC_RULE) CTL_LOOKUP_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_filter, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_FILTER_OWN_MESSAGES(IPC_RULE));
BOUNDARY(master_verify, MASTER_CHILD_MESSAGES(IPC_RULE) MASTER_VERIFY_OWN_MESSAGES(IPC_RULE));
BOUNDARY(accounts_verify, ACCOUNTS_VERIFY_MESSAGES(IPC_RULE));
BOUNDARY(gate_certd, GATE_CERTD_MESSAGES(IPC_RULE));
BOUNDARY(relay_certd, RELAY_CERTD_MESSAGES(IPC_RULE));
BOUNDARY(gate_accounts, GATE_ACCOUNTS_MESSAGES(IPC_RULE));
BOUNDARY(accounts_queue, ACCOUNTS_QUEUE_MESSAGES(IPC_RULE));
BOUNDARY(gate_queue, GATE_QUEUE_MESSAGES(IPC_RULE));
BOUNDARY(queue_relay, QUEUE_RELAY_MESSAGES(IPC_RULE));
BOUNDARY(queue_certd, QUEUE_CERTD_MESSAGES(IPC_RULE));
BOUNDARY(queue_filter, QUEUE_FILTER_MESSAGES(IPC_RULE));
BOUNDARY(queue_session, QUEUE_SESSION_MESSAGES(IPC_RULE));
BOUNDARY(ctl_master, CTL_MASTER_MESSAGES(IPC_RULE));
BOUNDARY(ctl_queue, CTL_QUEUE_MESSAGES(IPC_RULE));
BOUNDARY(ctl_certd, CTL_CERTD_MESSAGES(IPC_RULE));
BOUNDARY(certd_importer, MASTER_CHILD_MESSAGES(IPC_RULE) CERTD_IMPORTER_OWN_MESSAGES(IPC_RULE));
BOUNDARY(import_job, IMPORT_JOB_MESSAGES(IPC_RULE));

const struct ipc_boundary *const ipc_boundaries[] = {
    &master_child_boundary,   &master_gate_boundary,
    &master_certd_boundary,   &master_accounts_boundary,
    &master_queue_boundary,   &master_session_boundary,
    &gate_certd_boundary,     &relay_certd_boundary,
    &gate_accounts_boundary,  &accounts_queue_boundary,
    &gate_queue_boundary,     &queue_session_boundary,
    &ctl_master_boundary,     &ctl_certd_boundary,
    &master_verify_boundary,  &accounts_verify_boundary,
    &certd_importer_boundary, &import_job_boundary,
    &master_relay_boundary,   &queue_relay_boundary,
    &ctl_queue_boundary,      &ctl_lookup_boundary,
    &master_filter_boundary,  &queue_filter_boundary,
    &queue_certd_boundary,    NULL,
};
