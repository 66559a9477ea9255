/* SPDX-License-Identifier: ISC */
/*
 * house - real children without a master: the test plays the master and every peer, so that it can
 * say what no honest one would. Each child is the built program, in its sandbox.
 */
#ifndef POSTERN_TESTS_ATTACK_HOUSE_H
#define POSTERN_TESTS_ATTACK_HOUSE_H

#include <sys/types.h>

#include "common/ipc.h"

/* A running child; the test holds the master's end of its control channel. */
struct house_child {
	pid_t pid;
	int control;
	const struct ipc_boundary *boundary; /* of the control channel */
};

/* A folder that house_clean() removes; in it certs/ with the keys "mine" and "theirs", queue/,
 * mailbox/. */
extern char house_folder[64];
void house_make(void);
void house_clean(void);

/*
 * Starts a role from the build folder (POSTERN_BUILD, or the current one), gives it its settings
 * and MC_START, and waits for MC_READY where the role says it without peers. accounts knows alice
 * and bob
 * @example.org, both with the password "secret"; alice has a verifier of SCRAM-SHA-256 too.
 */
struct house_child house_certd(void);
struct house_child house_accounts(void);
struct house_child house_verify(void); /* without a trust */
struct house_child house_queue(void);
struct house_child house_session(void);
struct house_child house_relay(void); /* with a smart host where nobody is */
struct house_child house_filter(void);
/* Has filter look at strangers' and users' mails, whose envelopes it may change, the latter's so
 * that they leave. */
struct house_child house_checking_queue(void);
struct house_child house_lookup(void); /* whose resolver is nobody */
/* The child must be alive still; then it is ended, and must exit with status 0. */
void house_end(struct house_child *);

/* What the child was told on its control channel ends it; it must not be by a signal. */
void house_must_end(struct house_child *);

/* A fresh channel to the child, as the master would hand it out; the test's end. */
int house_gate_to_certd(const struct house_child *, const char *key_name);
/* Of listeners that name no key: the one for this host. */
int house_gate_to_certd_by_host(const struct house_child *, const char *host);
int house_gate_to_accounts(const struct house_child *);
/* Of a gate with a listener that asks its clients for certificates. */
int house_trusting_gate_to_accounts(const struct house_child *, uint32_t trust);
/* The test is the verifier, or accounts. */
int house_verify_to_accounts(const struct house_child *);
int house_accounts_to_verify(const struct house_child *);
/* Gives the two a channel to each other. */
void house_join(const struct house_child *accounts, const struct house_child *verify);
int house_queue_to_accounts(const struct house_child *);
int house_gate_to_queue(const struct house_child *);
int house_accounts_to_queue(const struct house_child *);
int house_queue_to_session(const struct house_child *);
int house_queue_to_relay(const struct house_child *);
int house_relay_to_queue(const struct house_child *);
int house_queue_to_filter(const struct house_child *);
int house_filter_to_queue(const struct house_child *);
int house_relay_to_certd(const struct house_child *); /* with the key "mine" */
int house_certd_to_relay(const struct house_child *);
int house_queue_to_certd(const struct house_child *);
int house_certd_to_queue(const struct house_child *);
/* A channel of alice's to queue, which the test vouches for as accounts (on ACCOUNTS). */
int house_submitter_to_queue(int accounts);
int house_admin_to_queue(const struct house_child *);
int house_admin_to_certd(const struct house_child *);

/*
 * Receives the next message as SIDE of BOUNDARY, waiting for it. 1, or 0 when the peer has cut the
 * channel off. The message is valid until the next call; the caller owns its descriptor.
 */
int house_receive(int channel, const struct ipc_boundary *, enum ipc_side side,
		  struct ipc_message *);

/* Sends, and waits for room if need be: for floods. False once the peer has cut the channel off. */
bool house_send(int channel, uint16_t type, uint32_t id, const void *body, size_t length,
		const char *tail, size_t tail_length);

/* House and nothing else, as set-up and tear-down of a test. */
int house_setup(void **state);
int house_teardown(void **state);

/* A posternctl sends this to certd, with FD or -1, on a channel of its own, and must be cut off. */
void house_admin_must_be_cut(const struct house_child *certd, uint16_t type, uint32_t id,
			     const void *body, size_t size, int fd);

/* Asserts that the peer cuts the channel off (whatever it says before), and closes our end. */
void house_must_be_cut(int channel);

#endif
