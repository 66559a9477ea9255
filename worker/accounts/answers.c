/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/answers.h"

#include <string.h>

#include "common/log.h"
#include "common/proto/accounts_queue.h"
#include "worker/accounts/accounts.h"
#include "worker/accounts/author.h"
#include "worker/accounts/forward.h"

/* A tail while it is written. */
struct list {
	size_t used;
	char text[MAILBOXES_MAX + PATH_SIZE];
};

/* With a NUL behind it. The file's reader saw to it that they fit. */
static uint32_t
add(struct list *list, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof(list->text) - list->used)
		return 0;
	memcpy(list->text + list->used, text, size);
	list->used += size;
	return 1;
}

/* Where it leads, and how what leaves is called: aq_resolved's tail. */
static void
list_all(const struct accounts_service *service, const struct resolved *found, const char *sender,
	 bool submitted, struct aq_resolved *resolved, struct list *list)
{
	char rewritten[PATH_SIZE];

	for (size_t i = 0; i < found->count; i++) {
		if (resolve_is_mailbox(service->resolver, found->accounts[i]))
			resolved->mailboxes += add(list, found->accounts[i]->address);
	}
	for (size_t i = 0; i < found->forward_count; i++) {
		if (resolve_is_elsewhere(service->resolver, found->forwards[i]))
			resolved->forwards += add(list, found->forwards[i]);
	}
	if (resolved->forwards > 0) {
		forward_sender(service->resolver, &service->srs, sender, submitted, rewritten);
		(void)add(list, rewritten);
	}
}

static int
on_resolve(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct accounts_service *service = context;
	static struct list list;
	struct resolved found;
	struct aq_resolved resolved = {.mailboxes = 0};
	size_t path = strnlen(message->tail, message->tail_length);
	const struct aq_resolve *asked = message->body;

	if (message->id == 0 || asked->submitted > 1 || path == message->tail_length ||
	    memchr(message->tail + path + 1, '\0', message->tail_length - path - 1) != NULL)
		return -1;
	list.used = 0;
	resolved.verdict = accounts_resolve(service, message->tail, path, &found);
	list_all(service, &found, message->tail + path + 1, asked->submitted == 1, &resolved,
		 &list);
	(void)ipc_send(channel, AQ_RESOLVED, message->id, &resolved, list.text,
		       list.used > 0 ? list.used - 1 : 0, -1);
	return 0;
}

static enum sender_verdict
check_sender(const struct accounts_service *service, const char *name, const char *path,
	     size_t length)
{
	const struct account *account;

	if (service->any_sender)
		return SENDER_OWN;
	if (service->accounts == NULL)
		return SENDER_UNAVAILABLE;
	account = accounts_find(service->accounts, name);
	if (account == NULL || !resolve_sender(service->resolver, account, path, length))
		return SENDER_FOREIGN;
	return SENDER_OWN;
}

static int
on_sender(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct accounts_service *service = context;
	const struct aq_sender *sender = message->body;
	struct aq_sender_is verdict;

	if (message->id == 0 || strnlen(sender->account, ADDRESS_SIZE) == ADDRESS_SIZE)
		return -1;
	verdict.verdict =
	    check_sender(service, sender->account, message->tail, message->tail_length);
	(void)ipc_send(channel, AQ_SENDER_IS, message->id, &verdict, NULL, 0, -1);
	return 0;
}

/* AQ_AUTHOR, AQ_AUTHOR_OF_FILE */
static int
on_author(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct accounts_service *service = context;
	const struct aq_author *author = message->body;
	const struct account *account = NULL;
	struct aq_author_is is = {.verdict = AUTHOR_UNAVAILABLE};
	char foreign[PATH_SIZE] = "";

	if (message->id == 0 || strnlen(author->account, ADDRESS_SIZE) == ADDRESS_SIZE)
		return -1;
	if (service->accounts != NULL)
		account = accounts_find(service->accounts, author->account);
	if (service->accounts != NULL && account == NULL)
		is.verdict = AUTHOR_FOREIGN; /* removed since */
	else if (account != NULL && message->type == AQ_AUTHOR)
		is.verdict = author_check(service->resolver, account, message->tail,
					  message->tail_length, true, foreign);
	else if (account != NULL)
		is.verdict = author_check_file(service->resolver, account, message->fd, foreign);
	(void)ipc_send(channel, AQ_AUTHOR_IS, message->id, &is, foreign, strlen(foreign), -1);
	return 0;
}

static void
on_queue_ended(struct ipc_channel *channel, void *context)
{
	struct accounts_service *service = context;

	(void)channel;
	service->queue = NULL;
}

static const struct ipc_handler queue_handlers[] = {
    {AQ_RESOLVE, on_resolve},
    {AQ_SENDER, on_sender},
    {AQ_AUTHOR, on_author},
    {AQ_AUTHOR_OF_FILE, on_author},
    {0, NULL},
};

void
answers_open(struct accounts_service *service, int fd)
{
	ipc_close(service->queue); /* a new channel: the old queue is dead */
	service->queue = ipc_open(service->child->base, fd, &accounts_queue_boundary, IPC_CLIENT,
				  queue_handlers, on_queue_ended, service, "queue");
	if (service->queue == NULL)
		log_event(LOG_ERR, "accounts.channel", KV_STR("peer", "queue"),
			  KV_STR("why", "no memory"));
}
