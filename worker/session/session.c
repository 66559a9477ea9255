/* SPDX-License-Identifier: ISC */
/*
 * session - one mailbox: all its user's connections and all deliveries into it, in one process,
 * the only one that touches it.
 *
 * The master hands over the mailbox's directory, then logged-in clients (master_session.h) and
 * channels to queue (queue_session.h). When nothing has happened for a while the session asks the
 * master whether it may go.
 */
#include "config.h"

#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/master_session.h"
#include "common/sqlite_dir.h"
#include "worker/roles.h"
#include "worker/session/checkup.h"
#include "worker/session/deliver.h"
#include "worker/session/imap/imap.h"
#include "worker/session/indexing.h"
#include "worker/session/pop3/pop3.h"
#include "worker/session/store.h"

#if defined(__SANITIZE_ADDRESS__)
#define POSTERN_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POSTERN_ASAN
#endif
#endif

#define STOPPING "The server stops"
#define REPAIRING "The mailbox is being repaired, please connect again"
#define IMAPS_A_USER 64
#define IMAPS_MAX (IMAPS_A_USER + 1) /* the last is posternctl's */

/* What came before MC_START: it waits until the sandbox is closed. */
enum waiting_kind { WAITING_CONNECTION, WAITING_DELIVERY, WAITING_PARKED, WAITING_CHECKUP };
struct waiting {
	STAILQ_ENTRY(waiting) entry;
	enum waiting_kind kind;
	uint32_t purpose;        /* of WAITING_CHECKUP */
	struct ms_parked parked; /* its connection is also that of WAITING_CONNECTION */
	int fd;
};

static struct session {
	struct child *child;
	struct ms_settings settings;
	struct ms_limits limits;
	struct store *store; /* NULL: not open, or it could not be opened */
	struct deliver *deliver;
	struct pop3 *pop3; /* one POP3 session a mailbox (RFC 1939 4) */
	struct imap_budget budget;
	unsigned imaps; /* IMAP sessions: any number, up to IMAPS_MAX */
	struct imap *imap[IMAPS_MAX];
	unsigned checkups; /* whose answers are on their way */
	struct event *linger;
	struct event *hibernate; /* since something happened last */
	struct indexing *indexing;
	STAILQ_HEAD(waiting_list, waiting) waiting;
	uint32_t seen; /* connections and delivery channels, for MS_IDLE */
	bool running;
} session;

/*
 * -- Coming to an end -------------------------------------------------------------
 */

static bool
is_busy(void)
{
	return session.pop3 != NULL || session.imaps > 0 || session.checkups > 0 ||
	       deliver_pending(session.deliver) > 0 || !STAILQ_EMPTY(&session.waiting);
}

static void
close_all(const char *why)
{
	pop3_abort(session.pop3, why);
	session.pop3 = NULL;
	while (session.imaps > 0)
		imap_abort(session.imap[--session.imaps], why);
	store_close(session.store);
	session.store = NULL;
}

static void wait_to_hibernate(void);
static void on_worked(void);

/* Something happened: the time to linger begins anew. When draining there is none. */
static void
touch(void *arg)
{
	struct timeval time = {.tv_sec = session.settings.linger};

	(void)arg;
	wait_to_hibernate();
	indexing_later(session.indexing);
	if (is_busy()) {
		event_del(session.linger);
		return;
	}
	if (ipc_state(session.child->control) == CHILD_DRAINING)
		time.tv_sec = 0;
	event_add(session.linger, &time);
}

/*
 * Delivery channels stay open while they are idle, and don't keep the process. If the master does
 * not answer, work is on its way; or it was lost, so it is asked again.
 */
static void
on_linger(evutil_socket_t fd, short what, void *arg)
{
	struct ms_idle idle = {.seen = session.seen};
	struct timeval again = {.tv_sec = session.settings.linger + 1};

	(void)fd;
	(void)what;
	(void)arg;
	if (is_busy())
		return;
	if (ipc_state(session.child->control) == CHILD_DRAINING) {
		close_all(STOPPING);
		child_exit(session.child);
	}
	(void)ipc_send(session.child->control, MS_IDLE, 0, &idle, NULL, 0, -1);
	event_add(session.linger, &again);
}

/*
 * -- The store --------------------------------------------------------------------
 */

/* Opened when it is needed first; tried again each time if that failed. */
static struct store *
open_store(void *arg, enum store_result *result, struct error *err)
{
	(void)arg;
	if (session.store != NULL)
		return session.store;
	*result = store_open(&session.store, err);
	if (*result != STORE_OK)
		log_event(LOG_ERR, "mailbox.unavailable", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", err->text),
			  KV_STR("then", *result == STORE_DAMAGED
					     ? "posternctl mailbox repair puts it right"
					     : "it is tried again"));
	else
		store_set_limits(session.store, session.limits.storage, session.limits.messages);
	return session.store;
}

/*
 * -- Connections ------------------------------------------------------------------
 */

static void
on_pop3_closed(struct pop3 *pop3, void *arg)
{
	(void)pop3;
	session.pop3 = NULL;
	touch(arg);
}

static void
start_pop3(const struct ms_connection *connection, int fd)
{
	struct pop3_options options = {.conn = connection->conn,
				       .mailbox = session.settings.mailbox,
				       .idle_timeout = session.settings.idle_timeout};
	enum store_result result;
	struct error err;

	if (session.pop3 != NULL) {
		log_event(LOG_NOTICE, "pop3.refused", KV_CONN(connection->conn),
			  KV_STR("user", session.settings.mailbox),
			  KV_ADDR("peer", &connection->peer.address), KV_STR("why", "in use"));
		pop3_refuse(fd, POP3_IN_USE);
		return;
	}
	if (open_store(NULL, &result, &err) == NULL) {
		pop3_refuse(fd, pop3_refusal_for(result));
		return;
	}
	session.pop3 = pop3_start(session.child->base, fd, &options, session.store, on_pop3_closed,
				  NULL, &err);
	if (session.pop3 == NULL)
		log_event(LOG_ERR, "pop3.refused", KV_CONN(connection->conn),
			  KV_STR("user", session.settings.mailbox), KV_STR("why", err.text));
	/* Most of its life it waits now: what starting took goes back to the system. */
	store_rest(session.store);
	(void)malloc_trim(0);
}

static void
on_imap_closed(struct imap *imap, void *arg)
{
	for (unsigned i = 0; i < session.imaps; i++)
		if (session.imap[i] == imap) {
			session.imap[i] = session.imap[--session.imaps];
			break;
		}
	(void)malloc_trim(0);
	touch(arg);
}

static void
refuse_imap(const struct ms_connection *connection, int fd, const char *why, const char *told)
{
	log_event(LOG_NOTICE, "imap.refused", KV_CONN(connection->conn),
		  KV_STR("user", session.settings.mailbox),
		  KV_ADDR("peer", &connection->peer.address), KV_STR("why", why));
	imap_refuse(fd, told);
}

static void
start_imap(const struct ms_connection *connection, int fd)
{
	struct imap_options options = {.conn = connection->conn,
				       .mailbox = session.settings.mailbox,
				       .idle_timeout = session.settings.idle_timeout,
				       .budget = &session.budget,
				       .worked = on_worked,
				       .administrator = connection->administrator == 1};
	enum store_result result;
	struct error err;
	struct imap *imap;

	if (session.imaps >= (options.administrator ? IMAPS_MAX : IMAPS_A_USER)) {
		refuse_imap(connection, fd, "too many connections",
			    "You have too many connections already, close one");
		return;
	}
	if (open_store(NULL, &result, &err) == NULL) {
		imap_refuse(fd, result == STORE_DAMAGED
				    ? "The mailbox is damaged, ask its administrator"
				    : "The mailbox can't be opened now, please try again later");
		return;
	}
	if (!options.administrator && store_first_login(session.store, &err) != STORE_OK)
		log_event(LOG_ERR, "imap.first_login", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", err.text));
	imap = imap_start(session.child->base, fd, &options, session.store, on_imap_closed, NULL,
			  &err);
	if (imap == NULL)
		log_event(LOG_ERR, "imap.refused", KV_CONN(connection->conn),
			  KV_STR("user", session.settings.mailbox), KV_STR("why", err.text));
	else
		session.imap[session.imaps++] = imap;
	store_rest(session.store);
	(void)malloc_trim(0);
}

/*
 * -- The index for searches ---------------------------------------------------------
 */

/* Nobody's while nobody is here to search. */
static struct store *
store_to_index(void)
{
	return session.imaps > 0 ? session.store : NULL;
}

static void
on_worked(void)
{
	indexing_worked(session.indexing);
}

/*
 * -- Hibernation ------------------------------------------------------------------
 */

static void
resume_imap(const struct ms_parked *parked, int fd)
{
	struct imap_options options = {.conn = parked->connection.conn,
				       .mailbox = session.settings.mailbox,
				       .idle_timeout = session.settings.idle_timeout,
				       .budget = &session.budget,
				       .worked = on_worked};
	enum store_result result;
	struct error err;
	struct imap *imap;

	if (session.imaps == IMAPS_MAX || open_store(NULL, &result, &err) == NULL) {
		imap_refuse(fd, "The mailbox can't be opened now, please try again later");
		return;
	}
	imap = imap_resume(session.child->base, fd, &options, session.store, parked, on_imap_closed,
			   NULL, &err);
	if (imap == NULL)
		log_event(LOG_ERR, "imap.resume_failed", KV_CONN(options.conn),
			  KV_STR("user", options.mailbox), KV_STR("why", err.text));
	else
		session.imap[session.imaps++] = imap;
	touch(NULL);
}

static void
wait_to_hibernate(void)
{
	struct timeval time = {.tv_sec = session.settings.hibernate};

	if (session.settings.hibernate != 0 && session.imaps > 0)
		event_add(session.hibernate, &time);
	else
		event_del(session.hibernate);
}

/*
 * All connections wait in IDLE: the master keeps them, and this process ends as it does without
 * any. One that does something else keeps them all here, as the process is there anyhow.
 */
static void
on_hibernate(evutil_socket_t fd, short what, void *arg)
{
	struct ms_parked parked;

	(void)fd;
	(void)what;
	(void)arg;
	if (ipc_state(session.child->control) == CHILD_DRAINING)
		return; /* they are to hear that the server stops */
	for (unsigned i = 0; i < session.imaps; i++)
		if (session.pop3 != NULL || deliver_pending(session.deliver) > 0 ||
		    !imap_can_park(session.imap[i], &parked)) {
			wait_to_hibernate();
			return;
		}
	while (session.imaps > 0) {
		struct imap *imap = session.imap[--session.imaps];
		int stream;

		(void)imap_can_park(imap, &parked);
		stream = imap_leave(imap);
		(void)ipc_send(session.child->control, MS_PARK, 0, &parked, NULL, 0, stream);
		close(stream);
	}
	log_event(LOG_INFO, "session.hibernates", KV_STR("user", session.settings.mailbox));
	on_linger(-1, 0, NULL);
}

static void
refuse_service(const struct ms_connection *connection, int fd)
{
	static const char bye[] = "* BYE [UNAVAILABLE] there is no such service here\r\n";

	log_event(LOG_ERR, "connection.refused", KV_CONN(connection->conn),
		  KV_U64("service", connection->service), KV_STR("why", "no such service"));
	(void)send(fd, bye, sizeof(bye) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
start_connection(const struct ms_connection *connection, int fd)
{
	if (connection->service == SERVICE_POP3)
		start_pop3(connection, fd);
	else if (connection->service == SERVICE_IMAP)
		start_imap(connection, fd);
	else
		refuse_service(connection, fd);
	touch(NULL);
}

static void
start_delivery(int fd)
{
	if (deliver_add_channel(session.deliver, fd) == -1)
		log_event(LOG_ERR, "delivery.refused", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", "no memory"));
	touch(NULL);
}

/*
 * -- Checkups ---------------------------------------------------------------------
 */

static void
on_checkup_closed(struct checkup *checkup, void *arg)
{
	(void)checkup;
	session.checkups--;
	touch(arg);
}

/*
 * Clients wait while their mailbox is looked at. A repair that has something to do ends them first:
 * what they know of their folders may be wrong afterwards.
 */
static void
start_checkup(uint32_t purpose, int fd)
{
	struct checkup *checkup;

	checkup =
	    checkup_new(session.child->base, fd, session.settings.mailbox, on_checkup_closed, NULL);
	if (checkup == NULL)
		return;
	session.checkups++;
	if (session.pop3 == NULL && session.imaps == 0)
		close_all(REPAIRING);
	if (!checkup_look(checkup, session.store) && purpose == MAILBOX_REPAIR) {
		close_all(REPAIRING);
		checkup_repair(checkup);
	}
	checkup_answer(checkup);
	touch(NULL);
}

static int
keep_waiting(const struct waiting *what)
{
	struct waiting *waiting = malloc(sizeof(*waiting));

	if (waiting == NULL) {
		close(what->fd);
		return 0;
	}
	*waiting = *what;
	STAILQ_INSERT_TAIL(&session.waiting, waiting, entry);
	return 0;
}

static void
start_waiting(void)
{
	struct waiting *waiting;

	while ((waiting = STAILQ_FIRST(&session.waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&session.waiting, entry);
		switch (waiting->kind) {
		case WAITING_CONNECTION:
			start_connection(&waiting->parked.connection, waiting->fd);
			break;
		case WAITING_DELIVERY:
			start_delivery(waiting->fd);
			break;
		case WAITING_PARKED:
			resume_imap(&waiting->parked, waiting->fd);
			break;
		case WAITING_CHECKUP:
			start_checkup(waiting->purpose, waiting->fd);
			break;
		}
		free(waiting);
	}
}

/*
 * -- What the master says -----------------------------------------------------------
 */

/*
 * Beyond it malloc() fails, and what asked for it is refused. With AddressSanitizer, whose shadow
 * is terabytes, only what the sessions count is bounded.
 */
static void
limit_memory(void)
{
#ifndef POSTERN_ASAN
	struct rlimit limit = {session.settings.memory, session.settings.memory};

	if (session.settings.memory != 0 && setrlimit(RLIMIT_DATA, &limit) == -1)
		log_event(LOG_ERR, "session.memory", KV_STR("user", session.settings.mailbox),
			  KV_STR("why", "the limit can't be set"));
#endif
}

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;

	(void)channel;
	if (child->directory != -1)
		return -1;
	memcpy(&session.settings, message->body, sizeof(session.settings));
	session.settings.mailbox[sizeof(session.settings.mailbox) - 1] = '\0';
	session.settings.hostname[sizeof(session.settings.hostname) - 1] = '\0';
	if (fchdir(message->fd) == -1)
		log_fatal("session.failed", "the directory of %s: %m", session.settings.mailbox);
	child->directory = ipc_take_fd(message);
	session.budget.command_seconds = session.settings.command_seconds;
	session.budget.memory = session.settings.memory / 2;
	limit_memory();
	setproctitle("session %s", session.settings.mailbox);
	return 0;
}

static int
on_limits(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	session.limits = *(const struct ms_limits *)message->body;
	if (session.store != NULL)
		store_set_limits(session.store, session.limits.storage, session.limits.messages);
	return 0;
}

static int
on_connection(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_connection *connection = message->body;
	const struct waiting waiting = {.kind = WAITING_CONNECTION,
					.parked = {.connection = *connection},
					.fd = ipc_take_fd(message)};

	(void)channel;
	(void)context;
	session.seen++;
	if (!session.running)
		return keep_waiting(&waiting);
	start_connection(connection, waiting.fd);
	return 0;
}

static int
on_delivery(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct waiting waiting = {.kind = WAITING_DELIVERY, .fd = ipc_take_fd(message)};

	(void)channel;
	(void)context;
	session.seen++;
	if (!session.running)
		return keep_waiting(&waiting);
	start_delivery(waiting.fd);
	return 0;
}

static int
on_resume(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_parked *parked = message->body;
	const struct waiting waiting = {
	    .kind = WAITING_PARKED, .parked = *parked, .fd = ipc_take_fd(message)};

	(void)channel;
	(void)context;
	session.seen++;
	if (!session.running)
		return keep_waiting(&waiting);
	resume_imap(parked, waiting.fd);
	return 0;
}

static int
on_checkup(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ms_checkup *checkup = message->body;
	struct waiting waiting = {.kind = WAITING_CHECKUP, .purpose = checkup->purpose};

	(void)channel;
	(void)context;
	if (checkup->purpose != MAILBOX_CHECK && checkup->purpose != MAILBOX_REPAIR)
		return -1;
	waiting.fd = ipc_take_fd(message);
	session.seen++;
	if (!session.running)
		return keep_waiting(&waiting);
	start_checkup(waiting.purpose, waiting.fd);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MS_SETTINGS, on_settings},
    {MS_LIMITS, on_limits},
    {MS_CONNECTION, on_connection},
    {MS_DELIVERY, on_delivery},
    {MS_RESUME, on_resume},
    {MS_CHECKUP, on_checkup},
    {0, NULL},
};

/*
 * -- The role -----------------------------------------------------------------------
 */

/* The mailbox's directory and nothing else; no sockets but those that are handed over. */
static const char *const syscalls[] = {
    SQLITE_DIR_SYSCALLS, /* index.db */
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "getdents64",
    "syncfs",
    NULL,
};

static const struct sandbox_rules rules = {
    .role = "session",
    .files = SANDBOX_READ_WRITE,
    .syscalls = syscalls,
};

static int
init(struct child *child, struct error *err)
{
	struct deliver_options options = {
	    .mailbox = session.settings.mailbox, .store = open_store, .activity = touch};

	/* What a large message needed goes back to the system; there may be thousands of us. */
	(void)mallopt(M_MMAP_THRESHOLD, 65536);
	(void)mallopt(M_TRIM_THRESHOLD, 65536);
	session.child = child;
	STAILQ_INIT(&session.waiting);
	session.linger = event_new(child->base, -1, 0, on_linger, NULL);
	session.hibernate = event_new(child->base, -1, 0, on_hibernate, NULL);
	session.indexing = indexing_new(child->base, session.settings.mailbox, store_to_index);
	session.deliver = deliver_new(child->base, &options);
	if (session.linger == NULL || session.indexing == NULL || session.hibernate == NULL ||
	    session.deliver == NULL)
		return error_set(err, "no memory");
	return 0;
}

static int
prepare(struct child *child, struct error *err)
{
	if (child->directory == -1)
		return error_set(err, "no settings have come");
	return 0;
}

static int
run(struct child *child, struct error *err)
{
	(void)err;
	session.running = true;
	child_ready(child);
	start_waiting();
	touch(NULL);
	return 0;
}

/* Those who are connected may finish; the master sends MC_SHUTDOWN when it waits no longer. */
static void
drain(struct child *child)
{
	(void)child;
	touch(NULL);
}

static void
shut_down(struct child *child)
{
	(void)child;
	close_all(STOPPING);
}

const struct child_role session_role = {
    .name = "session",
    .control = &master_session_boundary,
    .handlers = handlers,
    .rules = &rules,
    .init = init,
    .prepare = prepare,
    .run = run,
    .drain = drain,
    .shutdown = shut_down,
};
