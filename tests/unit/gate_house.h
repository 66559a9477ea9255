/* SPDX-License-Identifier: ISC */
/*
 * A house around one real gate: the test is its master, its accounts, its queue and its clients,
 * all by blocking calls, and the gate runs in a process of its own, in its sandbox. Only TLS is
 * a toy, so that a test can speak it: a handshake is the eight bytes TOY_HELLO and back, and then
 * every byte is turned over with TOY_KEY.
 */
#ifndef POSTERN_TESTS_UNIT_GATE_HOUSE_H
#define POSTERN_TESTS_UNIT_GATE_HOUSE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/proto/gate_accounts.h"
#include "common/proto/gate_queue.h"
#include "common/proto/master_gate.h"

#define TOY_HELLO "\026\003hello\n"
#define TOY_HELLO_LENGTH 8
#define TOY_KEY 0x5a
#define TOY_ERROR "error\r\n" /* what the toy of SMTP, which echoes, notes as an error */

#define HOUSE_LISTENERS 4

struct house {
	pid_t gate;
	int control;
	int accounts;
	int queue;
	int listeners[HOUSE_LISTENERS];
	uint16_t ports[HOUSE_LISTENERS];
	unsigned count;
	struct mg_settings settings;
};

/* What a message was, for the test to look at. */
struct heard {
	uint16_t type;
	uint32_t id;
	union {
		char bytes[512];
		struct mg_admit admit;
		struct ga_login login;
	} body;
	char tail[2048];
	size_t tail_length;
};

/* Where the gates that are built log to; -1, at first, is the test's own standard error. */
extern int house_log;

void house_build(struct house *, unsigned connections);
/* The same with more settings than the usual ones: of defences, or of a command's time, which is
 * so long otherwise that no test is too slow for it. */
void house_build_with(struct house *, const struct mg_settings *defences);
/* Adds a listener on loopback; its index is its id. */
unsigned house_listen(struct house *, enum service, enum tls_mode, bool plaintext_auth,
		      const struct network *, uint32_t allow, uint32_t deny);
/* Starts it, and waits until it is ready. */
void house_open(struct house *);
/* A new channel to accounts. */
void house_new_accounts(struct house *);
/* Tells the gate to go, and checks that it goes in peace. */
void house_close(struct house *);
/* Waits for the gate's end and checks that its status is 0. */
void house_wait(struct house *);
/* What the gate has used of the processor. */
unsigned house_cpu_milliseconds(const struct house *);
void house_say(struct house *, uint16_t type);

void house_hear(int fd, const struct ipc_boundary *, enum ipc_side, struct heard *);
void house_answer(int fd, uint16_t type, uint32_t id, const void *body, size_t length, int with);
/* Hears one MG_ADMIT and answers it. */
void house_admit(struct house *, enum mg_verdict);
/* Hears one message of TYPE on the control channel. */
void house_expect(struct house *, uint16_t type);

/* A client that is connected and admitted. */
int client_admitted(struct house *, unsigned listener);
int client_connect(struct house *, unsigned listener);
void client_send(int fd, const char *text);
/* Reads until TEXT has come, exactly. */
void client_expect(int fd, const char *text);
/* Reads until END is at the end of what came; returns all in a static buffer. */
const char *client_read_until(int fd, const char *end);
/* Nothing but the end comes. */
void client_expect_end(int fd);
/* The toy's handshake; from then on client_toy_*. */
void client_toy_handshake(int fd);
void client_toy_send(int fd, const char *text);
void client_toy_expect(int fd, const char *text);

#endif
