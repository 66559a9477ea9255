/* SPDX-License-Identifier: ISC */
#include "ctl/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/idn.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"
#include "master/conf.h"

#define ID_LENGTH (QUEUE_ID_SIZE - 1)

/* -- Which are meant -------------------------------------------------------------------------- */

int
queue_filter_add(struct queue_filter *filter, const char *text, struct error *err)
{
	const char *error = NULL;
	char id[QUEUE_ID_SIZE];
	long long index = 0;

	if (filter->count == QUEUE_IDS_MAX)
		return error_set(err, "more than %d ids", QUEUE_IDS_MAX);
	if (strspn(text, "0123456789abcdef") != ID_LENGTH ||
	    (text[ID_LENGTH] != '\0' && text[ID_LENGTH] != '.'))
		return error_set(err, "\"%.64s\" is no queue id: 16 hexadecimal digits", text);
	if (text[ID_LENGTH] == '.')
		index = strtonum(text + ID_LENGTH + 1, 0, UINT32_MAX, &error);
	if (error != NULL)
		return error_set(err, "\"%.64s\": the number of the recipient is %s", text, error);
	memcpy(id, text, ID_LENGTH);
	id[ID_LENGTH] = '\0';
	filter->ids[filter->count].message = strtoull(id, NULL, 16);
	filter->ids[filter->count].whole = text[ID_LENGTH] == '\0';
	filter->ids[filter->count].index = (uint32_t)index;
	filter->count++;
	return 0;
}

/* U-labels and the A-labels of the same name are one (RFC 5890 2.3.2.4). */
static bool
domain_fits(const char *wanted, const char *domain)
{
	char a[HOST_NAME_SIZE], b[HOST_NAME_SIZE];
	struct error ignored;

	if (strcasecmp(wanted, domain) == 0)
		return true;
	return idn_to_ascii(wanted, a, &ignored) == 0 && idn_to_ascii(domain, b, &ignored) == 0 &&
	       strcasecmp(a, b) == 0;
}

static bool
address_fits(const char *wanted, const char *address)
{
	const char *domain = strrchr(address, '@'), *at;

	if (wanted == NULL)
		return true;
	at = strrchr(wanted, '@');
	if (at == NULL || domain == NULL)
		return strcasecmp(wanted, address) == 0;
	if (at != wanted && (at - wanted != domain - address ||
			     strncasecmp(wanted, address, (size_t)(at - wanted)) != 0))
		return false;
	return domain_fits(at + 1, domain + 1);
}

bool
queue_filter_fits(const struct queue_filter *filter, const struct queue_entry *entry)
{
	bool named = filter->count == 0;

	for (size_t i = 0; i < filter->count && !named; i++)
		named = filter->ids[i].message == entry->fixed.name.message &&
			(filter->ids[i].whole || filter->ids[i].index == entry->fixed.name.index);
	return named && address_fits(filter->from, entry->sender) &&
	       address_fits(filter->to, entry->path) &&
	       (filter->state == 0 || filter->state == entry->fixed.state);
}

/* -- What queue says ------------------------------------------------------------------------ */

int
queue_entry_read(struct queue_entry *entry, const struct cq_entry *fixed, const char *tail,
		 size_t length)
{
	const char **texts[CQ_TEXTS] = {&entry->sender, &entry->submitter, &entry->path,
					&entry->mailbox, &entry->reason};
	size_t at = 0;

	entry->fixed = *fixed;
	if (fixed->state < CQ_WAITING || fixed->state > CQ_BUSY || fixed->name.zero != 0)
		return -1;
	for (size_t i = 0; i < CQ_TEXTS; i++) {
		*texts[i] = tail + at;
		at += strnlen(tail + at, length - at);
		if (at++ == length)
			return -1;
	}
	return at == length ? 0 : -1;
}

struct page {
	const struct queue_filter *filter;
	queue_each_fn *each;
	void *arg;
	struct cq_name last;
	uint32_t count;
};

static int
take_entry(struct page *page, const struct ipc_message *message, struct error *err)
{
	struct queue_entry entry;

	if (page->count++ == CQ_PAGE ||
	    queue_entry_read(&entry, message->body, message->tail, message->tail_length) == -1)
		return error_set(err, "the queue says what is no answer");
	page->last = entry.fixed.name;
	return queue_filter_fits(page->filter, &entry) ? page->each(&entry, page->arg, err) : 0;
}

/* One page. 1 if there may be more. */
static int
read_page(int fd, struct page *page, void *buffer, struct error *err)
{
	struct ipc_message message;

	for (page->count = 0;;) {
		const struct cq_done *done;

		if (ctl_receive(fd, &ctl_queue_boundary, buffer, &message, err) == -1)
			return -1;
		if (message.type == CQ_ENTRY) {
			if (take_entry(page, &message, err) == -1)
				return -1;
			continue;
		}
		done = message.body;
		if (done->failed != 0)
			return error_set(err, "the queue: %s", message.tail);
		if (done->count != page->count)
			return error_set(err, "the queue says what is no answer");
		return page->count == CQ_PAGE ? 1 : 0;
	}
}

int
queue_each(int fd, const struct queue_filter *filter, queue_each_fn *each, void *arg,
	   struct error *err)
{
	struct page page = {.filter = filter, .each = each, .arg = arg};
	struct cq_list list = {.first = 1};
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	int more;

	if (buffer == NULL)
		return error_errno(err, "the queue");
	do {
		more = ipc_send_fd(fd, CQ_LIST, 1, &list, sizeof(list), NULL, 0, -1);
		if (more == -1)
			error_errno(err, "the queue");
		else
			more = read_page(fd, &page, buffer, err);
		list.first = 0;
		list.after = page.last;
	} while (more == 1);
	free(buffer);
	return more;
}

int
queue_details_read(struct queue_details *details, const struct cq_shown *shown, const char *tail,
		   size_t length)
{
	size_t orcpt = strnlen(tail, length), envid;

	memset(details, 0, sizeof(*details));
	if (shown->found > 1 || shown->ret >= DSN_RETURNS || shown->zero != 0 ||
	    !notify_is_sound(shown->notify) || orcpt >= sizeof(details->orcpt) ||
	    orcpt + 1 >= length)
		return -1;
	envid = strnlen(tail + orcpt + 1, length - orcpt - 1);
	if (envid >= sizeof(details->envid) || orcpt + 1 + envid + 1 != length)
		return -1;
	details->expires = shown->expires;
	details->notify = shown->notify;
	details->ret = shown->ret;
	memcpy(details->orcpt, tail, orcpt);
	memcpy(details->envid, tail + orcpt + 1, envid);
	return 0;
}

int
queue_details(int fd, const struct cq_name *name, struct queue_details *details, struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message;
	int result = -1;

	if (buffer == NULL || ipc_send_fd(fd, CQ_SHOW, 1, name, sizeof(*name), NULL, 0, -1) == -1)
		error_errno(err, "the queue");
	else
		result = ctl_receive(fd, &ctl_queue_boundary, buffer, &message, err);
	if (result == 0 &&
	    (message.type != CQ_SHOWN ||
	     queue_details_read(details, message.body, message.tail, message.tail_length) == -1))
		result = error_set(err, "the queue says what is no answer");
	free(buffer);
	return result;
}

/* -- The way to it ----------------------------------------------------------------------------- */

static int
ask_master(int master, int *fd, struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message reply;
	int result;

	if (buffer == NULL)
		return error_errno(err, "the queue");
	result = ctl_request(master, CM_QUEUE, buffer, &reply, err);
	if (result == 0 && reply.type == CM_CHANNEL)
		*fd = reply.fd;
	else if (result == 0)
		result = error_set(err, "the server: %s",
				   reply.tail_length > 0 ? reply.tail : "queue is not there");
	free(buffer);
	return result;
}

int
queue_connect(int *fd, struct error *err)
{
	struct configuration *conf = ctl_settings();
	int master, result;

	/* It has said why. */
	if (conf == NULL)
		return error_set(err, "the configuration can't be read");
	result = ctl_connect(conf->state, &master, err);
	if (result == 0)
		result =
		    error_set(err, "no server is running with the state folder %s", conf->state);
	conf_free(conf);
	if (result == -1)
		return -1;
	result = ask_master(master, fd, err);
	close(master);
	return result;
}
