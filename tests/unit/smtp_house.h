/* SPDX-License-Identifier: ISC */
/*
 * A house around one SMTP session: a connection that is only buffers, and accounts and queue that
 * do as they are told, at the other ends of real channels on the same event loop.
 */
#ifndef POSTERN_TESTS_UNIT_SMTP_HOUSE_H
#define POSTERN_TESTS_UNIT_SMTP_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mail_parameters.h"
#include "worker/gate/conn.h"

#define HOUSE_NAME "mx.example.org"
#define QUEUE_ID "00000000000000ab"
/* The reply to EHLO between its first line and what depends on the connection. */
#define EXTENSIONS                                                                                \
	"250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-BINARYMIME\r\n" \
	"250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-LIMITS RCPTMAX=100\r\n"

/* What the queue was told. */
struct queue_log {
	char from[PATH_SIZE];
	char rcpts[4096]; /* with a space behind each */
	unsigned mails, rcpt_count, datas, commits, aborts, confirms;
	uint64_t declared_size;
	struct mail_parameters parameters; /* of the last mail */
	uint32_t commit_type;              /* enum body_type */
	char notes[4096]; /* "NOTIFY orcpt" of each recipient, with a space behind it */
	uint64_t commit_size;
	char body[262144]; /* of the last commit */
	size_t body_length;
	bool in_the_name_of; /* it came on a submitter's channel */
};

/* What the house shall do. */
struct house_orders {
	unsigned accounts_silent; /* answers nothing until house_accounts_speak() */
	bool queue_silent_on_data;
	bool queue_dies_on_data;
	bool queue_dies_on_commit;
	bool queue_silent_on_commit;
	uint32_t data_failure;   /* enum queue_failure, or 0 */
	uint32_t commit_failure; /* likewise */
	uint32_t confirm_failure;
	const char *commit_reply; /* QUEUE_FILTERED, in these words; or NULL */
	bool body_is_full;        /* the body is /dev/full */
	bool bad_queue_id;
	bool filtered;           /* the body: filter will look at it */
	bool greylisting;        /* queue is asked about each recipient: */
	bool greylist_silent;    /* it answers nothing, */
	bool greylist_odd;       /* or something else; */
	uint32_t greylist_wait;  /* of "new...@" it says so many seconds */
	unsigned greylist_asked; /* counts GQ_GREYLIST */
	bool certificate_is_nobodys;
	struct ga_logged_in logged_in; /* what accounts says of who is let in */
	uint32_t scram_offer;          /* a bit for each enum scram_hash */
	unsigned errors_noted;         /* counts conn_note_error() */
	unsigned scram_forgotten;      /* counts GA_FORGET */
};

extern struct queue_log queue_log;
extern struct house_orders orders;

/* Opens a session on SERVICE; takes its greeting off the output. */
void house_open(enum service service);
/* Ends it: closed() is called, and everything freed. */
void house_close(void);
/* For STARTTLS. */
void house_set_tls(enum tls_mode mode, bool secure);
/* The client has shown one; accounts takes it for alice's. */
void house_show_certificate(enum client_mode);
struct mg_settings *house_settings(void);

/* The gate drains from now on, for newer ones or because the server stops. */
void house_drain(bool stopping);
void house_accounts_speak(void); /* answers the last request first */
void house_kill_accounts(void);
void house_kill_queue(void);
void house_new_queue(void);
void house_kill_submitter(void);

/* Bytes from the client, and everything that follows from them. */
void client_says_bytes(const char *bytes, size_t length);
void client_says(const char *text);
/* In pieces of so many bytes. */
void client_says_in_pieces(const char *bytes, size_t length, size_t piece);
/* The output since the last call, NUL-terminated. */
const char *client_hears(void);
/* client_says() and an exact answer. */
void talk(const char *say, const char *hear);
bool connection_finished(void);
const char *finish_reason(void);
bool handshake_started(void);
bool protocol_busy(void);
bool protocol_content(void);

#endif
