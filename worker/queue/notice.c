/* SPDX-License-Identifier: ISC */
#include "worker/queue/notice.h"

#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "common/log.h"
#include "worker/queue/transaction.h"

static bool
is_sound(const struct mq_notice *notice, const char *listeners, size_t length)
{
	static const uint8_t zero[sizeof(notice->zero)];

	return notice->step >= 1 && notice->step <= EXPIRY_STEPS && notice->until >= 0 &&
	       notice->until <= EXPIRY_MAX && notice->self_signed <= 1 &&
	       memchr(notice->name, '\0', sizeof(notice->name)) != NULL &&
	       cert_name_valid(notice->name) && memcmp(notice->zero, zero, sizeof(zero)) == 0 &&
	       (length == 0 || queue_is_address(listeners, length, PRESENTERS_SIZE));
}

static void
mail_it(struct queue *queue, const struct mq_notice *notice, const char *listeners,
	const char *name)
{
	const struct gq_mail mail = {.transaction = notice_number(name)};
	char *text = malloc(NOTICE_SIZE), *copy = strdup(name);
	struct transaction *transaction = NULL;
	size_t length;

	if (text != NULL && copy != NULL)
		transaction = transaction_new(queue->own, &mail, "");
	if (transaction == NULL) {
		free(text);
		free(copy);
		return;
	}
	length = notice_text(notice, listeners, queue->settings.hostname, time(NULL), text);
	transaction_add(transaction, "postmaster", DSN_NOTIFY_NEVER, "");
	transaction_commit_own(transaction, copy, text, length);
}

int
notice_take(struct queue *queue, const struct mq_notice *notice, const char *listeners,
	    size_t length)
{
	char name[NOTICE_NAME_SIZE];
	bool sent = false;

	if (!is_sound(notice, listeners, length))
		return -1;
	notice_name(notice, name);
	/* One that is under way is not begun again. */
	if (transaction_find(queue->own, notice_number(name)) != NULL)
		return 0;
	if (db_has_notice(queue->db, name, &sent) != DB_OK)
		log_event(LOG_ERR, "queue.notice_failed", KV_STR("notice", name),
			  KV_STR("why", db_error(queue->db)));
	else if (!sent)
		mail_it(queue, notice, length == 0 ? "" : listeners, name);
	return 0;
}
