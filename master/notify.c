/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/notify.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/monotonic.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

static struct event *watchdog;

void
notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void
notify_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long)(monotonic_nanoseconds() / 1000));
}

void
notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping: what is under way is finished");
}

void
notify_wait(unsigned seconds)
{
	(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", seconds * 1000000ULL);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	(void)sd_notify(0, "WATCHDOG=1");
}

void
notify_start_watchdog(struct event_base *base)
{
	uint64_t usec = 0;
	struct timeval tv;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	tv.tv_sec = (time_t)(usec / 2 / 1000000);
	tv.tv_usec = (suseconds_t)(usec / 2 % 1000000);
	watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	if (watchdog == NULL || event_add(watchdog, &tv) == -1)
		log_event(LOG_ERR, "watchdog.failed", KV_STR("why", "out of memory"));
}

void
notify_stop_watchdog(void)
{
	if (watchdog != NULL)
		event_free(watchdog);
	watchdog = NULL;
}

/* What is behind FD, if it listens for TCP. */
static bool
describe(int fd, struct activated *a)
{
	socklen_t size = sizeof(a->endpoint.address);
	int only = 1, family;

	memset(a, 0, sizeof(*a));
	a->fd = fd;
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
	    getsockname(fd, &a->endpoint.address.any, &size) == -1)
		return false;
	family = a->endpoint.address.any.sa_family;
	a->endpoint.length =
	    family == AF_INET ? sizeof(a->endpoint.address.v4) : sizeof(a->endpoint.address.v6);
	if (family == AF_INET6 && endpoint_is_any(&a->endpoint)) {
		size = sizeof(only);
		(void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size);
		a->both_families = only == 0;
	}
	return (family == AF_INET || family == AF_INET6) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

struct activated *
notify_sockets(size_t *count)
{
	int n = sd_listen_fds(1);
	struct activated *list = NULL;

	*count = 0;
	if (n > 0)
		list = calloc((size_t)n, sizeof(*list));
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (list != NULL && describe(fd, &list[*count])) {
			++*count;
			continue;
		}
		log_event(
		    LOG_WARNING, "socket.ignored", KV_I64("fd", fd),
		    KV_STR("why", "the init system passed it, but it does not listen for TCP"));
		close(fd);
	}
	return list;
}

#else

void
notify_ready(const char *status)
{
	(void)status;
}

void
notify_status(const char *status)
{
	(void)status;
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_wait(unsigned seconds)
{
	(void)seconds;
}

void
notify_start_watchdog(struct event_base *base)
{
	(void)base;
}

void
notify_stop_watchdog(void)
{
}

struct activated *
notify_sockets(size_t *count)
{
	*count = 0;
	return NULL;
}

#endif
