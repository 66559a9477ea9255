/* SPDX-License-Identifier: ISC */
/* The clients of a mailbox: POP3, one at a time, and IMAP, many. */
#include "config.h"

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/session/pop3/pop3.h"
#include "worker/session/session_private.h"

struct store *
clients_store(void *arg, enum store_result *result, struct error *err)
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
 * -- POP3 -----------------------------------------------------------------------------
 */

static void
on_pop3_closed(struct pop3 *pop3, void *arg)
{
	(void)pop3;
	session.pop3 = NULL;
	life_touch(arg);
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
	if (clients_store(NULL, &result, &err) == NULL) {
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

/*
 * -- IMAP -----------------------------------------------------------------------------
 */

static void
on_imap_closed(struct imap *imap, void *arg)
{
	for (unsigned i = 0; i < session.imaps; i++)
		if (session.imap[i] == imap) {
			session.imap[i] = session.imap[--session.imaps];
			break;
		}
	(void)malloc_trim(0);
	life_touch(arg);
}

static void
on_worked(void)
{
	indexing_worked(session.indexing);
}

static struct imap_options
imap_options_of(const struct ms_connection *connection, bool administrator)
{
	return (struct imap_options){.conn = connection->conn,
				     .mailbox = session.settings.mailbox,
				     .idle_timeout = session.settings.idle_timeout,
				     .budget = &session.budget,
				     .worked = on_worked,
				     .administrator = administrator};
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
	const struct imap_options options =
	    imap_options_of(connection, connection->administrator == 1);
	enum store_result result;
	struct error err;
	struct imap *imap;

	if (session.imaps >= (options.administrator ? IMAPS_MAX : IMAPS_A_USER)) {
		refuse_imap(connection, fd, "too many connections",
			    "You have too many connections already, close one");
		return;
	}
	if (clients_store(NULL, &result, &err) == NULL) {
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

void
clients_resume(const struct ms_parked *parked, int fd)
{
	const struct imap_options options = imap_options_of(&parked->connection, false);
	enum store_result result;
	struct error err;
	struct imap *imap;

	if (session.imaps == IMAPS_MAX || clients_store(NULL, &result, &err) == NULL) {
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
	life_touch(NULL);
}

/* Nobody's while nobody is here to search. */
struct store *
clients_store_to_index(void)
{
	return session.imaps > 0 ? session.store : NULL;
}

/*
 * -- Both -----------------------------------------------------------------------------
 */

static void
refuse_service(const struct ms_connection *connection, int fd)
{
	static const char bye[] = "* BYE [UNAVAILABLE] there is no such service here\r\n";

	log_event(LOG_ERR, "connection.refused", KV_CONN(connection->conn),
		  KV_U64("service", connection->service), KV_STR("why", "no such service"));
	(void)send(fd, bye, sizeof(bye) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

void
clients_start(const struct ms_connection *connection, int fd)
{
	if (connection->service == SERVICE_POP3)
		start_pop3(connection, fd);
	else if (connection->service == SERVICE_IMAP)
		start_imap(connection, fd);
	else
		refuse_service(connection, fd);
	life_touch(NULL);
}
