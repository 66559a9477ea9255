/* SPDX-License-Identifier: ISC */
/* What all connections of a gate have in common; everything OpenSSL does lazily is done here. */
#include "config.h"

#include <event2/event.h>
#include <openssl/async.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

#include "worker/gate/tls_internal.h"

/* OpenSSL has one pool of fibres a thread, for all contexts; more than one is for tests only. */
static unsigned pool_users;

static int
idle_job(void *arg)
{
	(void)arg;
	return 1;
}

/*
 * Runs one job, so that the first handshake finds it all there.
 *
 * OpenSSL leaves a fibre by longjmp(). AddressSanitizer, which sees a stack it does not know, says
 * once a process that it can't unpoison that stack (which is right: the fibre goes on using it). It
 * is let to say so here, to nobody.
 */
static int
start_jobs(void)
{
	ASYNC_WAIT_CTX *wait = ASYNC_WAIT_CTX_new();
	ASYNC_JOB *job = NULL;
	int result = 0, ok;
#ifdef SANITIZED
	int nowhere = memfd_create("nowhere", MFD_CLOEXEC); /* a chroot has no /dev/null */

	__sanitizer_set_report_fd((void *)(intptr_t)nowhere);
#endif
	ok = wait != NULL && (pool_users > 0 || ASYNC_init_thread(TLS_JOBS_MAX, 0) == 1) &&
	     ASYNC_start_job(&job, wait, &result, idle_job, NULL, 0) == ASYNC_FINISH;
#ifdef SANITIZED
	__sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
	if (nowhere != -1)
		close(nowhere);
#endif
	ASYNC_WAIT_CTX_free(wait);
	if (!ok)
		return -1;
	pool_users++;
	return 0;
}

static int
start_openssl(struct tls_context *context, struct error *err)
{
	uint8_t random[16];

	/* No configuration file: it could load modules, and change what is written down here. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
				 OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			     NULL) != 1)
		return error_set(err, "OpenSSL does not start");
	context->libctx = OSSL_LIB_CTX_new();
	if (context->libctx == NULL)
		return error_set(err, "OpenSSL makes no library context");
	if (provider_load(context->libctx, context->providers, err) == -1)
		return -1;
	context->ticket_cipher =
	    EVP_CIPHER_fetch(context->libctx, "AES-256-CBC", PROVIDER_PREFER_DEFAULT);
	context->sha256 = EVP_MD_fetch(context->libctx, "SHA2-256", PROVIDER_PREFER_DEFAULT);
	if (context->ticket_cipher == NULL || context->sha256 == NULL)
		return error_set(err, "OpenSSL lacks AES or SHA-2");
	if (RAND_bytes_ex(context->libctx, random, sizeof(random), 0) != 1 ||
	    RAND_priv_bytes_ex(context->libctx, random, sizeof(random), 0) != 1)
		return error_set(err, "OpenSSL has no random numbers");
	if (!ASYNC_is_capable() || start_jobs() == -1)
		return error_set(err, "OpenSSL has no asynchronous jobs here");
	context->uses_pool = true;
	return 0;
}

/* A fibre is free: who starved for one tries again. From the loop, so that no wake nests. */
static void
on_feed(evutil_socket_t fd, short what, void *arg)
{
	struct tls_context *context = arg;
	struct tls *tls = TAILQ_FIRST(&context->starved);

	(void)fd;
	(void)what;
	if (tls == NULL)
		return;
	TAILQ_REMOVE(&context->starved, tls, starving);
	tls->is_starving = false;
	tls->wake(tls->wake_arg);
}

struct tls_context *
tls_context_new(struct event_base *base, const struct mg_settings *settings, struct error *err)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (context == NULL) {
		error_set(err, "TLS: no memory");
		return NULL;
	}
	context->base = base;
	context->handshake_timeout = settings->handshake_timeout;
	strlcpy(context->ciphers_tls12, settings->ciphers_tls12, GATE_CIPHERS_SIZE);
	strlcpy(context->ciphers_tls13, settings->ciphers_tls13, GATE_CIPHERS_SIZE);
	for (size_t i = 0; i < HOST_NAME_SIZE - 1 && settings->hostname[i] != '\0'; i++) {
		char c = settings->hostname[i];

		context->hostname[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	TAILQ_INIT(&context->certificates);
	TAILQ_INIT(&context->set_ctxs);
	LIST_INIT(&context->questions);
	TAILQ_INIT(&context->waiting);
	TAILQ_INIT(&context->starved);
	context->feed = event_new(base, -1, 0, on_feed, context);
	if (context->feed == NULL)
		error_set(err, "no event");
	else if (start_openssl(context, err) == 0)
		context->bare = tls_settings_new_ctx(context, err);
	if (context->bare == NULL) {
		error_prefix(err, "TLS");
		tls_context_free(context);
		return NULL;
	}
	ERR_clear_error();
	return context;
}

void
tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	ipc_close(context->channel);
	certificates_free(context);
	choice_forget(context, NULL);
	tls_questions_free(context);
	SSL_CTX_free(context->bare);
	if (context->feed != NULL)
		event_free(context->feed);
	EVP_CIPHER_free(context->ticket_cipher);
	EVP_MD_free(context->sha256);
	provider_unload(context->providers);
	OSSL_LIB_CTX_free(context->libctx);
	if (context->uses_pool && --pool_users == 0)
		ASYNC_cleanup_thread();
	freezero(context, sizeof(*context));
}
