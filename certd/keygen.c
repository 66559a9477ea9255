/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "certd/keygen.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <openssl/rsa.h>

#include "certd/key.h"
#include "certd/memory.h"
#include "common/proto/ctl_certd.h"

#define STACK_SIZE (256u << 10) /* it is locked in memory: not the usual 8 MiB */

static const struct algorithm {
	uint32_t kind; /* enum cert_key_kind */
	const char *type;
	size_t bits;       /* RSA */
	const char *group; /* EC */
} algorithms[] = {
    {CERT_KEY_RSA_2048, "RSA", 2048, NULL}, {CERT_KEY_RSA_3072, "RSA", 3072, NULL},
    {CERT_KEY_RSA_4096, "RSA", 4096, NULL}, {CERT_KEY_P256, "EC", 0, "P-256"},
    {CERT_KEY_P384, "EC", 0, "P-384"},      {CERT_KEY_P521, "EC", 0, "P-521"},
    {CERT_KEY_ED25519, "ED25519", 0, NULL}, {CERT_KEY_RSA_1024, "RSA", 1024, NULL},
};

struct keygen {
	pthread_t thread;
	void *stack; /* NULL: the library's */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Under the lock, between the loop and the thread. */
	const struct algorithm *job; /* NULL: nothing to do */
	bool stop;
	EVP_PKEY *pkey;
	struct error err;
	atomic_bool cancelled;
	/* The loop's. */
	int eventfd;
	struct event *event;
	bool busy;
	keygen_done_fn *done;
	void *arg;
};

/* OpenSSL calls it every few milliseconds; 0 gives up. */
static int
go_on(EVP_PKEY_CTX *context)
{
	struct keygen *keygen = EVP_PKEY_CTX_get_app_data(context);

	return !atomic_load(&keygen->cancelled);
}

static EVP_PKEY *
generate(struct keygen *keygen, const struct algorithm *algorithm, struct error *err)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm->type, NULL);
	EVP_PKEY *pkey = NULL;
	int ready = context != NULL && EVP_PKEY_keygen_init(context) > 0;

	if (ready && algorithm->bits != 0)
		ready = EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)algorithm->bits) > 0;
	if (ready && algorithm->group != NULL)
		ready = EVP_PKEY_CTX_set_group_name(context, algorithm->group) > 0;
	if (ready) {
		EVP_PKEY_CTX_set_app_data(context, keygen);
		EVP_PKEY_CTX_set_cb(context, go_on);
	}
	if (!ready || EVP_PKEY_generate(context, &pkey) <= 0) {
		key_library_error(err, "making the key");
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static void *
keygen_main(void *arg)
{
	struct keygen *keygen = arg;
	const struct algorithm *job;
	struct error err = {""};
	EVP_PKEY *pkey;
	uint64_t one = 1;

	pthread_mutex_lock(&keygen->lock);
	while (!keygen->stop) {
		if ((job = keygen->job) == NULL) {
			pthread_cond_wait(&keygen->wake, &keygen->lock);
			continue;
		}
		keygen->job = NULL;
		pthread_mutex_unlock(&keygen->lock);
		pkey = generate(keygen, job, &err);
		pthread_mutex_lock(&keygen->lock);
		keygen->pkey = pkey;
		keygen->err = err;
		if (write(keygen->eventfd, &one, sizeof(one)) == -1)
			abort(); /* a counter of 1 always has room */
	}
	pthread_mutex_unlock(&keygen->lock);
	return NULL;
}

static void
on_made(evutil_socket_t fd, short what, void *arg)
{
	struct keygen *keygen = arg;
	struct error err;
	EVP_PKEY *pkey;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	pthread_mutex_lock(&keygen->lock);
	pkey = keygen->pkey;
	keygen->pkey = NULL;
	err = keygen->err;
	pthread_mutex_unlock(&keygen->lock);
	keygen->busy = false;
	if (keygen->done != NULL)
		keygen->done(pkey, &err, keygen->arg);
	else
		EVP_PKEY_free(pkey);
}

/* No signal is the thread's. */
static int
start_thread(struct keygen *keygen)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int result;

	if ((result = pthread_attr_init(&attributes)) != 0)
		return result;
#ifndef SANITIZED /* which needs more than is worth locking */
	if ((keygen->stack = memory_stack(STACK_SIZE)) == NULL) {
		pthread_attr_destroy(&attributes);
		return ENOMEM;
	}
	(void)pthread_attr_setstack(&attributes, keygen->stack, STACK_SIZE);
#endif
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	result = pthread_create(&keygen->thread, &attributes, keygen_main, keygen);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return result;
}

struct keygen *
keygen_new(struct event_base *base, struct error *err)
{
	struct keygen *keygen = calloc(1, sizeof(*keygen));
	int result = ENOMEM;

	if (keygen == NULL) {
		error_errno(err, "the thread that makes keys");
		return NULL;
	}
	pthread_mutex_init(&keygen->lock, NULL);
	pthread_cond_init(&keygen->wake, NULL);
	atomic_init(&keygen->cancelled, false);
	keygen->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (keygen->eventfd == -1)
		result = errno;
	else
		keygen->event =
		    event_new(base, keygen->eventfd, EV_READ | EV_PERSIST, on_made, keygen);
	if (keygen->event != NULL && event_add(keygen->event, NULL) == 0 &&
	    (result = start_thread(keygen)) == 0)
		return keygen;
	if (keygen->event != NULL)
		event_free(keygen->event);
	if (keygen->eventfd != -1)
		close(keygen->eventfd);
	free(keygen);
	errno = result;
	error_errno(err, "the thread that makes keys");
	return NULL;
}

void
keygen_free(struct keygen *keygen)
{
	if (keygen == NULL)
		return;
	atomic_store(&keygen->cancelled, true);
	pthread_mutex_lock(&keygen->lock);
	keygen->stop = true;
	pthread_cond_signal(&keygen->wake);
	pthread_mutex_unlock(&keygen->lock);
	pthread_join(keygen->thread, NULL);
	if (keygen->stack != NULL)
		explicit_bzero(keygen->stack, STACK_SIZE);
	event_free(keygen->event);
	close(keygen->eventfd);
	EVP_PKEY_free(keygen->pkey);
	pthread_cond_destroy(&keygen->wake);
	pthread_mutex_destroy(&keygen->lock);
	free(keygen);
}

int
keygen_start(struct keygen *keygen, uint32_t kind, keygen_done_fn *done, void *arg)
{
	const struct algorithm *algorithm = NULL;

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].kind == kind)
			algorithm = &algorithms[i];
	}
	if (algorithm == NULL || keygen->busy)
		return -1;
	keygen->busy = true;
	keygen->done = done;
	keygen->arg = arg;
	atomic_store(&keygen->cancelled, false);
	pthread_mutex_lock(&keygen->lock);
	keygen->job = algorithm;
	pthread_cond_signal(&keygen->wake);
	pthread_mutex_unlock(&keygen->lock);
	return 0;
}

void
keygen_cancel(struct keygen *keygen)
{
	keygen->done = NULL;
	atomic_store(&keygen->cancelled, true);
}
