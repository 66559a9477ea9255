/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/hasher.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREAD_STACK (512 * 1024)
#define THREAD_NICE 5 /* logins are slow anyway; mail and the event loop are not to be */

STAILQ_HEAD(jobs, hash_job);

struct hasher {
	pthread_mutex_t lock; /* of all down to stop */
	pthread_cond_t work;
	struct jobs waiting;
	struct jobs finished;
	size_t count; /* waiting */
	bool stop;

	size_t max;
	int wake; /* eventfd: something is finished */
	struct event *woken;
	pthread_barrier_t started;
	pthread_t *threads;
	unsigned thread_count;
};

/* Takes as long wherever the first difference is. */
static bool
same(const char *a, const char *b, size_t length)
{
	volatile unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

void
hash_job_run(struct hash_job *job, struct crypt_data *data)
{
	const char *made = crypt_rn(job->password, job->hash, data, (int)sizeof(*data));
	size_t length = strlen(job->hash);

	job->match = made != NULL && strlen(made) == length && same(made, job->hash, length);
	explicit_bzero(job->password, sizeof(job->password));
	explicit_bzero(data, sizeof(*data));
}

/* The next job, or NULL at the end. */
static struct hash_job *
take_job(struct hasher *hasher)
{
	struct hash_job *job = NULL;

	pthread_mutex_lock(&hasher->lock);
	while (!hasher->stop && STAILQ_EMPTY(&hasher->waiting))
		pthread_cond_wait(&hasher->work, &hasher->lock);
	if (!hasher->stop) {
		job = STAILQ_FIRST(&hasher->waiting);
		STAILQ_REMOVE_HEAD(&hasher->waiting, entry);
		hasher->count--;
	}
	pthread_mutex_unlock(&hasher->lock);
	return job;
}

static void
give_back(struct hasher *hasher, struct hash_job *job)
{
	const uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&hasher->lock);
	STAILQ_INSERT_TAIL(&hasher->finished, job, entry);
	pthread_mutex_unlock(&hasher->lock);
	do
		written = write(hasher->wake, &one, sizeof(one));
	while (written == -1 && errno == EINTR);
}

static void *
thread_main(void *arg)
{
	struct hasher *hasher = arg;
	struct crypt_data *data = calloc(1, sizeof(*data));
	struct hash_job *job;

	(void)setpriority(PRIO_PROCESS, 0, THREAD_NICE); /* on Linux: of this thread */
	pthread_barrier_wait(&hasher->started);
	if (data == NULL)
		abort();
	while ((job = take_job(hasher)) != NULL) {
		hash_job_run(job, data);
		give_back(hasher, job);
	}
	free(data);
	return NULL;
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct hasher *hasher = arg;
	struct jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
	struct hash_job *job;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&hasher->lock);
	STAILQ_CONCAT(&jobs, &hasher->finished);
	pthread_mutex_unlock(&hasher->lock);
	while ((job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, entry);
		job->done(job);
	}
}

/* All signals are for the thread of the event loop. */
static int
start_threads(struct hasher *hasher, unsigned count, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int result = 0;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	pthread_barrier_init(&hasher->started, NULL, count + 1);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (hasher->thread_count < count && result == 0) {
		result = pthread_create(&hasher->threads[hasher->thread_count], &attributes,
					thread_main, hasher);
		if (result == 0)
			hasher->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (result != 0) {
		errno = result;
		return error_errno(err, "starting a thread");
	}
	pthread_barrier_wait(&hasher->started);
	return 0;
}

struct hasher *
hasher_new(struct event_base *base, unsigned threads, size_t queue_max, struct error *err)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));

	if (hasher == NULL) {
		error_errno(err, "hashing threads");
		return NULL;
	}
	pthread_mutex_init(&hasher->lock, NULL);
	pthread_cond_init(&hasher->work, NULL);
	STAILQ_INIT(&hasher->waiting);
	STAILQ_INIT(&hasher->finished);
	hasher->max = queue_max;
	hasher->threads = calloc(threads, sizeof(*hasher->threads));
	hasher->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hasher->threads != NULL && hasher->wake != -1)
		hasher->woken =
		    event_new(base, hasher->wake, EV_READ | EV_PERSIST, on_woken, hasher);
	if (hasher->woken == NULL || event_add(hasher->woken, NULL) == -1) {
		error_errno(err, "hashing threads");
		return NULL; /* at start-up: the process ends */
	}
	if (start_threads(hasher, threads, err) == -1)
		return NULL;
	return hasher;
}

void
hasher_free(struct hasher *hasher)
{
	if (hasher == NULL)
		return;
	pthread_mutex_lock(&hasher->lock);
	hasher->stop = true;
	pthread_cond_broadcast(&hasher->work);
	pthread_mutex_unlock(&hasher->lock);
	for (unsigned i = 0; i < hasher->thread_count; i++)
		pthread_join(hasher->threads[i], NULL);
	event_free(hasher->woken);
	close(hasher->wake);
	pthread_barrier_destroy(&hasher->started);
	pthread_cond_destroy(&hasher->work);
	pthread_mutex_destroy(&hasher->lock);
	free(hasher->threads);
	free(hasher);
}

int
hasher_submit(struct hasher *hasher, struct hash_job *job)
{
	bool full;

	pthread_mutex_lock(&hasher->lock);
	full = hasher->count >= hasher->max;
	if (!full) {
		STAILQ_INSERT_TAIL(&hasher->waiting, job, entry);
		hasher->count++;
		pthread_cond_signal(&hasher->work);
	}
	pthread_mutex_unlock(&hasher->lock);
	return full ? -1 : 0;
}
