/* SPDX-License-Identifier: ISC */
/* From the first byte of a handshake to its last. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/gate/conn_private.h"

#define RECORD_HANDSHAKE 22 /* ContentType handshake, RFC 8446 5.1 */
#define TRIED_MAX 16        /* of a plaintext client's first word */

/*
 * What a client that speaks plaintext where TLS is due was about to say: its first word, if it is
 * one. No more: what follows may be a password.
 */
static size_t
first_word(const char *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && isalnum((unsigned char)bytes[n]))
		n++;
	return n;
}

void
conn_send_alert(struct conn *c, uint8_t description)
{
	/* ContentType alert, version TLS 1.2, two bytes: fatal, description */
	const uint8_t alert[] = {21, 3, 3, 0, 2, 2, description};

	if (send(c->fd, alert, sizeof(alert), MSG_NOSIGNAL) == (ssize_t)sizeof(alert))
		c->bytes_out += sizeof(alert);
}

static void
refuse_plaintext(struct conn *c, const char *bytes, size_t length)
{
	size_t n = first_word(bytes, length);

	log_event(LOG_NOTICE, "conn.plaintext", KV_CONN(c->id), KV_ADDR("peer", &c->peer.address),
		  KV_STR("after", c->secured ? "STARTTLS" : "connecting"),
		  n == 0 ? KV_STR("tried", "something that is no TLS") : KV_MEM("tried", bytes, n));
	conn_send_alert(c, ALERT_UNEXPECTED_MESSAGE);
	conn_end(c, "plaintext instead of TLS");
}

/* Where certificates are only asked for, one that can't be is no reason to turn a client away. */
static int
ask_client(struct conn *c, struct error *err)
{
	const struct mg_listener *settings = &c->listener->settings;

	if (settings->clients == CLIENT_OFF ||
	    tls_ask_client(c->tls, settings->trust, settings->clients == CLIENT_REQUIRE, err) == 0)
		return 0;
	if (settings->clients == CLIENT_REQUIRE)
		return -1;
	log_event(LOG_WARNING, "tls.not_asked", KV_CONN(c->id), KV_STR("why", err->text));
	return 0;
}

/*
 * Looks at the first byte before anything is set up for TLS: a client that never speaks costs no
 * more than its socket, and one that speaks plaintext is told so (OpenSSL would be silent).
 */
static int
begin(struct conn *c)
{
	const struct mg_listener *settings = &c->listener->settings;
	const struct protocol *protocol = c->listener->protocol;
	struct error err;
	char bytes[TRIED_MAX];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_PEEK);

	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		c->wanted |= EV_READ;
		return -1;
	}
	if (n <= 0) {
		conn_abort(c, n == 0 ? "closed by client before a handshake" : conn_failure(c));
		return -1;
	}
	if (bytes[0] != RECORD_HANDSHAKE) {
		refuse_plaintext(c, bytes, (size_t)n);
		return -1;
	}
	c->tls =
	    tls_new(c->gate->tls, c->fd, &settings->choice, protocol->alpn, conn_wake, c, &err);
	if (c->tls != NULL && ask_client(c, &err) == 0)
		return 0;
	tls_free(c->tls);
	c->tls = NULL;
	log_event(LOG_ERR, "tls.failed", KV_CONN(c->id), KV_STR("why", err.text));
	conn_send_alert(c, ALERT_INTERNAL_ERROR);
	conn_end(c, "TLS could not be set up");
	return -1;
}

static void
finished(struct conn *c)
{
	const struct protocol *protocol = c->listener->protocol;
	const char *name = tls_server_name(c->tls);

	log_event(LOG_INFO, "tls.established", KV_CONN(c->id),
		  KV_STR("version", tls_version(c->tls)), KV_STR("cipher", tls_cipher(c->tls)),
		  KV_U64("resumed", tls_resumed(c->tls) ? 1 : 0),
		  KV_U64("certificate", conn_may_external(c) ? 1 : 0),
		  KV_STR("sni", name != NULL ? name : ""));
	/* It has shown one, but of all that went over the connection no more was kept. */
	if (c->listener->settings.clients == CLIENT_REQUIRE && !conn_may_external(c)) {
		log_event(LOG_NOTICE, "tls.failed", KV_CONN(c->id),
			  KV_STR("why", "the handshake is too long: the client's chain, or ours"));
		conn_end(c, "handshake too long");
		return;
	}
	if (!c->secured) {
		conn_open(c);
		return;
	}
	/* Nothing learnt in plaintext is kept: RFC 3207 4.2, RFC 2595 2.4. */
	conn_close_protocol(c);
	explicit_bzero(c->state, protocol->state_size);
	c->state_now = CONN_TALKING;
	c->talked = true;
	conn_start_quiet_time(c);
	if (protocol->secured != NULL)
		protocol->secured(c);
}

void
conn_wake(void *arg)
{
	conn_schedule(arg);
}

void
conn_handshake(struct conn *c)
{
	if (c->tls == NULL && begin(c) == -1)
		return;
	switch (tls_handshake(c->tls)) {
	case TLS_OK:
		finished(c);
		break;
	case TLS_WANT_READ:
		c->wanted |= EV_READ;
		break;
	case TLS_WANT_WRITE:
		c->wanted |= EV_WRITE;
		break;
	case TLS_WANT_KEY:
		break;
	case TLS_EOF:
		conn_abort(c, "closed by client during the handshake");
		break;
	case TLS_FAILED:
		log_event(LOG_NOTICE, "tls.failed", KV_CONN(c->id),
			  KV_ADDR("peer", &c->peer.address), KV_STR("why", tls_error(c->tls)));
		/* The alert has been sent; there is nobody to speak to over this any more. */
		tls_free(c->tls);
		c->tls = NULL;
		conn_end(c, "handshake failed");
		break;
	}
}
