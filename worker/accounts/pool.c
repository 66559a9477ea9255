/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/pool.h"

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

STAILQ_HEAD(jobs, pool_job);

struct pool {
	pthread_mutex_t lock; /* of all down to count */
	pthread_cond_t work;
	struct jobs waiting;
	struct jobs finished;
	size_t count; /* waiting */

	size_t max;
	int wake; /* eventfd: something is finished */
	struct event *woken;
	pthread_barrier_t started;
	pthread_t *threads;
	unsigned thread_count;
};

static struct pool_job *
take_job(struct pool *pool)
{
	struct pool_job *job;

	pthread_mutex_lock(&pool->lock);
	while (STAILQ_EMPTY(&pool->waiting))
		pthread_cond_wait(&pool->work, &pool->lock);
	job = STAILQ_FIRST(&pool->waiting);
	STAILQ_REMOVE_HEAD(&pool->waiting, entry);
	pool->count--;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void
give_back(struct pool *pool, struct pool_job *job)
{
	const uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&pool->lock);
	STAILQ_INSERT_TAIL(&pool->finished, job, entry);
	pthread_mutex_unlock(&pool->lock);
	do
		written = write(pool->wake, &one, sizeof(one));
	while (written == -1 && errno == EINTR);
}

static void *
thread_main(void *arg)
{
	struct pool *pool = arg;
	struct pool_job *job;

	(void)setpriority(PRIO_PROCESS, 0, THREAD_NICE); /* on Linux: of this thread */
	pthread_barrier_wait(&pool->started);
	for (;;) {
		job = take_job(pool);
		job->run(job);
		give_back(pool, job);
	}
	return NULL; /* never: the threads end with the process */
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;
	struct jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
	struct pool_job *job;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&pool->lock);
	STAILQ_CONCAT(&jobs, &pool->finished);
	pthread_mutex_unlock(&pool->lock);
	while ((job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, entry);
		job->done(job);
	}
}

/* All signals are for the thread of the event loop. */
static int
start_threads(struct pool *pool, unsigned count, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int result = 0;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	pthread_barrier_init(&pool->started, NULL, count + 1);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool->thread_count < count && result == 0) {
		result = pthread_create(&pool->threads[pool->thread_count], &attributes,
					thread_main, pool);
		if (result == 0)
			pool->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (result != 0) {
		errno = result;
		return error_errno(err, "starting a thread");
	}
	pthread_barrier_wait(&pool->started);
	return 0;
}

struct pool *
pool_new(struct event_base *base, unsigned threads, size_t queue_max, struct error *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL) {
		error_errno(err, "threads");
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	STAILQ_INIT(&pool->waiting);
	STAILQ_INIT(&pool->finished);
	pool->max = queue_max;
	pool->threads = calloc(threads, sizeof(*pool->threads));
	pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->threads != NULL && pool->wake != -1)
		pool->woken = event_new(base, pool->wake, EV_READ | EV_PERSIST, on_woken, pool);
	if (pool->woken == NULL || event_add(pool->woken, NULL) == -1) {
		error_errno(err, "threads");
		return NULL; /* at start-up: the process ends */
	}
	if (start_threads(pool, threads, err) == -1)
		return NULL;
	return pool;
}

static bool
insert(struct pool *pool, struct pool_job *job, bool first)
{
	bool full;

	pthread_mutex_lock(&pool->lock);
	full = !first && pool->count >= pool->max;
	if (!full) {
		if (first)
			STAILQ_INSERT_HEAD(&pool->waiting, job, entry);
		else
			STAILQ_INSERT_TAIL(&pool->waiting, job, entry);
		pool->count++;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return !full;
}

int
pool_submit(struct pool *pool, struct pool_job *job)
{
	return insert(pool, job, false) ? 0 : -1;
}

void
pool_submit_first(struct pool *pool, struct pool_job *job)
{
	(void)insert(pool, job, true);
}
