/* SPDX-License-Identifier: ISC */
#include "worker/gate/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/gate/tls_internal.h"
#include "worker/gate/tls_names.h"

#define FIRST_BYTES 48     /* of a plain client, for the log */
#define DISCARD_MAX 65536u /* bytes of input that are thrown away at most */

/* An error for who has to put it right: a listener without a certificate. */
static int
check_choice(struct tls_context *context, const struct mg_choice *choice, struct error *err)
{
	struct certificate_set set = {.count = 0};
	bool known;

	if (choose(context, choice, NULL, &set, &known))
		return 0;
	if (choice->count > 0)
		return error_set(err, "no certificate \"%s\" has come from certd",
				 choice->names[0]);
	return error_set(err,
			 "no certificate is for \"%s\", and there is not exactly one: name one "
			 "with certificate = \"NAME\"",
			 context->hostname);
}

struct tls *
tls_new(struct tls_context *context, int fd, const struct mg_choice *choice, const char *alpn,
	void (*wake)(void *), void *arg, struct error *err)
{
	struct tls *tls;

	if (check_choice(context, choice, err) == -1)
		return NULL;
	tls = calloc(1, sizeof(*tls));
	if (tls == NULL) {
		error_set(err, "TLS: no memory");
		return NULL;
	}
	tls->context = context;
	tls->choice = choice;
	tls->fd = fd;
	tls->alpn = alpn;
	tls_signing_start(&tls->signing, &context->keys, wake, arg);
	tls->ssl = SSL_new(context->bare);
	if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1 ||
	    SSL_set_app_data(tls->ssl, tls) != 1) {
		error_set(err, "TLS: no memory");
		ERR_clear_error();
		tls_free(tls);
		return NULL;
	}
	SSL_set_accept_state(tls->ssl);
	return tls;
}

static int
run_handshake(struct tls *tls)
{
	ERR_clear_error();
	errno = 0;
	return tls_signing_run(&tls->signing, tls->ssl);
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	tls_signing_end(&tls->signing, tls->ssl);
	SSL_free(tls->ssl);
	tls_record_free(tls);
	free(tls->error);
	free(tls);
}

static void fail(struct tls *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
fail(struct tls *tls, const char *format, ...)
{
	va_list ap;

	tls->state = TLS_STATE_FAILED;
	free(tls->error);
	va_start(ap, format);
	if (vasprintf(&tls->error, format, ap) == -1)
		tls->error = NULL;
	va_end(ap);
}

/* The first error is the cause; what follows is who passed it on. */
static void
fail_by_openssl(struct tls *tls)
{
	const char *data, *reason;
	int flags;
	unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
	const char *separator = ": ";

	reason = ERR_reason_error_string(code);
	if (reason == NULL)
		reason = "failed for no known reason";
	if ((flags & ERR_TXT_STRING) == 0 || data == NULL)
		data = "";
	/* Errors of our own are all said by their data. */
	if (*data != '\0' && ERR_GET_REASON(code) == ERR_R_OPERATION_FAIL)
		reason = "";
	if (*data == '\0' || *reason == '\0')
		separator = "";
	fail(tls, "%s%s%s", reason, separator, data);
	ERR_clear_error();
}

/* What a call of libssl came to that was not a success. */
static enum tls_result
outcome(struct tls *tls, int returned)
{
	int saved = errno;

	switch (SSL_get_error(tls->ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_WANT_ASYNC:
		return TLS_WANT_KEY;
	case SSL_ERROR_WANT_ASYNC_JOB:
		tls_signing_starve(&tls->signing);
		return TLS_WANT_KEY;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	case SSL_ERROR_SYSCALL:
		if (saved == 0) {
			tls->state = TLS_STATE_FAILED;
			return TLS_EOF;
		}
		fail(tls, "%s", strerror(saved));
		return TLS_FAILED;
	default:
		fail_by_openssl(tls);
		return TLS_FAILED;
	}
}

/*
 * Closing a socket with unread input resets the connection, and the reset overtakes the alert that
 * tells the client why.
 */
static void
discard_input(int fd)
{
	char bytes[4096];
	size_t discarded = 0;
	ssize_t got;

	while (discarded < DISCARD_MAX && (got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		discarded += (size_t)got;
}

static enum tls_result
refuse_plaintext(struct tls *tls, const uint8_t *bytes, size_t length)
{
	/* RFC 8446 5.1, 6.2: a record of another type is answered by unexpected_message (10). */
	static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
	size_t line = 0;

	while (line < length && bytes[line] != '\r' && bytes[line] != '\n' && bytes[line] != '\0')
		line++;
	(void)send(tls->fd, alert, sizeof(alert), MSG_DONTWAIT | MSG_NOSIGNAL);
	discard_input(tls->fd);
	if (line == 0)
		fail(tls, "no TLS: the client sent 0x%02x first", bytes[0]);
	else
		fail(tls, "no TLS: the client sent \"%.*s\"", (int)line, (const char *)bytes);
	return TLS_FAILED;
}

/* Looks at the client's first bytes before libssl does, which would be silent or say little. */
static enum tls_result
look_first(struct tls *tls)
{
	uint8_t bytes[FIRST_BYTES];
	ssize_t got;

	do {
		got = recv(tls->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	} while (got == -1 && errno == EINTR);
	if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_WANT_READ;
	if (got == -1) {
		fail(tls, "%s", strerror(errno));
		return TLS_FAILED;
	}
	if (got == 0)
		return TLS_EOF;
	if (first_bytes_kind(bytes, (size_t)got) == FIRST_BYTES_PLAIN)
		return refuse_plaintext(tls, bytes, (size_t)got);
	tls->state = TLS_STATE_HANDSHAKE;
	return TLS_OK;
}

static void
handshake_done(struct tls *tls)
{
	tls->state = TLS_STATE_OPEN;
	/* Nothing needs a key from here on: reads and writes go without fibres. */
	SSL_clear_mode(tls->ssl, SSL_MODE_ASYNC);
	tls_record_settle(tls);
}

enum tls_result
tls_handshake(struct tls *tls)
{
	enum tls_result result;
	int returned;

	if (tls->state == TLS_STATE_NEW && (result = look_first(tls)) != TLS_OK)
		return result;
	if (tls->state != TLS_STATE_HANDSHAKE)
		return tls->state == TLS_STATE_OPEN ? TLS_OK : TLS_FAILED;
	if (tls_signing_waits(&tls->signing))
		return TLS_WANT_KEY;
	returned = run_handshake(tls);
	result = returned == 1 ? TLS_OK : outcome(tls, returned);
	if (result != TLS_WANT_KEY)
		tls_signing_feed(&tls->signing);
	if (result == TLS_OK)
		handshake_done(tls);
	else if (result == TLS_FAILED)
		discard_input(tls->fd);
	return result;
}

enum tls_result
tls_read(struct tls *tls, void *buffer, size_t size, size_t *done)
{
	enum tls_result result;

	if (tls->state != TLS_STATE_OPEN)
		return TLS_FAILED;
	ERR_clear_error();
	errno = 0;
	tls->drained = false;
	if (SSL_read_ex(tls->ssl, buffer, size, done) == 1)
		return TLS_OK;
	result = outcome(tls, 0);
	tls->drained = result == TLS_WANT_READ;
	return result;
}

enum tls_result
tls_write(struct tls *tls, const void *buffer, size_t length, size_t *done)
{
	if (tls->state != TLS_STATE_OPEN)
		return TLS_FAILED;
	ERR_clear_error();
	errno = 0;
	*done = 0;
	/* libssl takes a write of nothing for a mistake. */
	if (length == 0 || SSL_write_ex(tls->ssl, buffer, length, done) == 1)
		return TLS_OK;
	return outcome(tls, 0);
}

void
tls_close(struct tls *tls)
{
	/* SSL_shutdown(3): not during a handshake, not after a fatal error. */
	if (tls->state != TLS_STATE_OPEN)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

int
tls_pending(const struct tls *tls)
{
	/* Whole records that were read ahead; what is left after a WANT_READ is a part of one. */
	return tls->state == TLS_STATE_OPEN && !tls->drained && SSL_has_pending(tls->ssl) == 1;
}

const char *
tls_error(const struct tls *tls)
{
	return tls->error == NULL ? "TLS failed" : tls->error;
}

const char *
tls_version(const struct tls *tls)
{
	return SSL_get_version(tls->ssl);
}

const char *
tls_cipher(const struct tls *tls)
{
	return SSL_get_cipher_name(tls->ssl);
}

int
tls_resumed(const struct tls *tls)
{
	return SSL_session_reused(tls->ssl);
}

const char *
tls_server_name(const struct tls *tls)
{
	return SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
}
