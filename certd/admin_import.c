/* SPDX-License-Identifier: ISC */
/*
 * CC_IMPORT_FILE, CC_IMPORT, CC_IMPORT_PASSPHRASE: files of an administrator, taken apart by the
 * importer (certd_importer.h), and what comes of them put into the folder (import_commit.h).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/admin_internal.h"
#include "certd/import_commit.h"
#include "certd/import_name.h"
#include "certd/importer.h"
#include "common/log.h"
#include "common/proto/certd_importer.h"

enum import_state {
	IMPORT_COLLECTING, /* files come */
	IMPORT_WORKING,    /* the job has them; a request waits */
	IMPORT_ASKING,     /* the job waits for a pass phrase; no request does */
	IMPORT_ENDING,     /* the job's channel has ended without a last word: what killed it? */
};

/* What a job of the largest import may have to say, many times over. */
#define PIECES_MAX 4096

struct import {
	struct admins *admins;
	enum import_state state;
	uint32_t id; /* of the request that waits for its result */
	struct cc_import request;
	char names[IMPORT_FILES_MAX][IMPORT_FILE_MAX + 1];
	int fds[IMPORT_FILES_MAX]; /* -1 once they are the job's */
	uint32_t count;

	struct ipc_channel *job; /* NULL: not yet, or no more */
	uint32_t number;
	bool ended; /* its process, by SIGNAL or with STATUS */
	unsigned signal, status;

	uint32_t pieces; /* keys and notes that the job has sent */
	struct import_set set;
	char notes[IMPORT_NOTES_SIZE]; /* lines */
};

static void
import_free(struct import *import)
{
	ipc_close(import->job);
	for (uint32_t i = 0; i < import->count; i++) {
		if (import->fds[i] != -1)
			close(import->fds[i]);
	}
	import_set_free(&import->set);
	import->admins->import = NULL;
	free(import);
}

/* posternctl has gone. */
static void
cancel(struct admins *admins)
{
	if (admins->import->number != 0 && !admins->import->ended)
		importer_kill(admins->target->importer, admins->import->number);
	import_free(admins->import);
}

/* Answers the request that waits, and ends it all. */
static void
finish(struct import *import, bool ok, const char *text)
{
	struct admins *admins = import->admins;
	const struct admin *admin = admins->worker;
	uint32_t id = import->id;

	cancel(admins);
	admin_end(admins);
	admin_result(admin, id, ok, text);
}

static void
fail(struct import *import, const char *why)
{
	/* No error of the server's; posternctl says it too. */
	log_event(LOG_NOTICE, "import.failed", KV_STR("why", why));
	finish(import, false, why);
}

/*
 * -- What the job says ----------------------------------------------------------
 */

static int
on_read(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct import *import = context;

	(void)message;
	ipc_set_state(channel, JOB_WORKING);
	admin_progress(import->admins->worker, import->id, 0, 0, "taking the files apart");
	return 0;
}

static int
on_key(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cj_piece *piece = message->body;
	struct import *import = context;
	int result;

	(void)channel;
	if (piece->file >= import->count || piece->flags != 0 || ++import->pieces > PIECES_MAX)
		return -1;
	result = import_set_add_key(&import->set, message->tail, message->tail_length);
	return result;
}

static int
on_certificate(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cj_piece *piece = message->body;
	struct import *import = context;

	(void)channel;
	if (piece->file >= import->count)
		return -1;
	return import_set_add_certificate(&import->set, piece, message->tail, message->tail_length);
}

/* It is shown on a terminal, perhaps root's: a job that was taken over must not speak to that. */
static bool
is_printable(const struct ipc_message *message)
{
	for (size_t i = 0; i < message->tail_length; i++) {
		unsigned char byte = (unsigned char)message->tail[i];

		/* C0, DEL, and C1, which UTF-8 has as C2 80 to C2 9F. */
		if (byte < ' ' || byte == 0x7f ||
		    (byte == 0xc2 && (unsigned char)message->tail[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static int
on_note(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cj_note *note = message->body;
	struct import *import = context;
	size_t used = strlen(import->notes);

	(void)channel;
	if (note->file >= import->count || note->zero != 0 || ++import->pieces > PIECES_MAX ||
	    !is_printable(message))
		return -1;
	snprintf(import->notes + used, sizeof(import->notes) - used, "%s: %s\n",
		 import->names[note->file], message->tail);
	return 0;
}

static int
on_need(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cj_need *need = message->body;
	struct import *import = context;
	const char *name;

	if (need->file >= import->count)
		return -1;
	name = import->names[need->file];
	ipc_set_state(channel, JOB_ASKING);
	import->state = IMPORT_ASKING;
	admin_data(import->admins->worker, import->id,
		   need->attempt == 0 ? IMPORT_PASSPHRASE : IMPORT_PASSPHRASE_WRONG, name,
		   strlen(name));
	admin_result(import->admins->worker, import->id, true, "");
	import->id = 0;
	return 0;
}

static void
commit(struct import *import)
{
	const char *names[IMPORT_FILES_MAX];
	const struct import_order order = {.target = import->admins->target,
					   .set = &import->set,
					   .name = import->request.name,
					   .flags = import->request.flags,
					   .files = names,
					   .notes = import->notes};
	struct import_answer answer;
	struct error err;

	for (uint32_t i = 0; i < import->count; i++)
		names[i] = import->names[i];
	if (import_commit(&order, &answer, &err) == -1) {
		fail(import, err.text);
		return;
	}
	admin_data(import->admins->worker, import->id, IMPORT_NAME, answer.name,
		   strlen(answer.name));
	finish(import, true, answer.text);
}

static int
on_done(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cj_done *done = message->body;
	struct import *import = context;

	(void)channel;
	if (done->ok > 1 || done->zero != 0 || !is_printable(message) ||
	    (done->ok == 1 && message->tail_length != 0) ||
	    (done->ok == 1 && ipc_state(channel) != JOB_WORKING))
		return -1;
	if (done->ok == 1)
		commit(import);
	else
		fail(import, message->tail);
	return 0;
}

static const struct ipc_handler job_handlers[] = {
    {CJ_READ, on_read}, {CJ_KEY, on_key},   {CJ_CERTIFICATE, on_certificate},
    {CJ_NOTE, on_note}, {CJ_NEED, on_need}, {CJ_DONE, on_done},
    {0, NULL},
};

/*
 * -- How a job may end ----------------------------------------------------------
 */

static void
say_how_it_ended(struct import *import)
{
	/* Not while it waits for a pass phrase: posternctl is told when it sends one. */
	if (!import->ended || import->job != NULL || import->state == IMPORT_ASKING)
		return;
	log_event(LOG_ERR, "import.job", KV_U64("signal", import->signal),
		  KV_U64("status", import->status));
	if (import->signal == SIGXCPU || import->signal == SIGKILL)
		fail(import, "this takes too long: more than some seconds of computing, or "
			     "minutes of waiting. Are these the right files? A pass phrase that is "
			     "hashed too often, or far too many keys, can be the reason");
	else
		fail(import, "the files could not be read: they need more memory than allowed, or "
			     "what reads them broke (see the log). Nothing has been imported");
}

static void
on_job_gone(struct ipc_channel *channel, void *context)
{
	struct import *import = context;

	(void)channel;
	import->job = NULL;
	if (import->state != IMPORT_ASKING)
		import->state = IMPORT_ENDING;
	/* Whatever it is up to: nobody listens any more. Its end is told in any case. */
	if (!import->ended)
		importer_kill(import->admins->target->importer, import->number);
	say_how_it_ended(import);
}

static void
on_job_ended(uint32_t number, unsigned signal, unsigned status, void *arg)
{
	struct admins *admins = arg;
	struct import *import = admins->import;

	if (import == NULL || import->number != number || import->ended)
		return;
	import->ended = true;
	import->signal = signal;
	import->status = status;
	/* Its last words may not have been read yet: its channel ends after them. */
	say_how_it_ended(import);
}

/*
 * -- What posternctl says -------------------------------------------------------
 */

/* The import that ADMIN is at, in STATE; NULL: none, which is a breach. */
static struct import *
find(const struct admin *admin, enum import_state state)
{
	struct import *import = admin->admins->import;

	return admin->admins->worker == admin && import != NULL && import->state == state ? import
											  : NULL;
}

static bool
good_name(const struct ipc_message *message)
{
	return message->tail_length > 0 &&
	       memchr(message->tail, '\0', message->tail_length) == NULL &&
	       memchr(message->tail, '/', message->tail_length) == NULL;
}

static struct import *
begin(struct admin *admin, uint32_t id)
{
	struct import *import = calloc(1, sizeof(*import));

	if (import == NULL)
		return NULL;
	import->admins = admin->admins;
	import->admins->import = import;
	admin_begin(admin, id, cancel);
	return import;
}

int
admin_import_file(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct admin *admin = context;
	struct import *import = admin->admins->import;

	(void)channel;
	if (message->id == 0 || !good_name(message))
		return -1;
	if (import == NULL || admin->admins->worker != admin) {
		if (!admin_ready(admin, message->id))
			return 0;
		if ((import = begin(admin, message->id)) == NULL)
			return admin_result(admin, message->id, false, "no memory");
	}
	if (import->state != IMPORT_COLLECTING)
		return -1;
	import->id = message->id;
	if (import->count == IMPORT_FILES_MAX) {
		fail(import, "more than 64 files: give only those that belong together");
		return 0;
	}
	memcpy(import->names[import->count], message->tail, message->tail_length);
	/* It goes to terminals and into log lines. */
	for (char *c = import->names[import->count]; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	import->fds[import->count++] = ipc_take_fd(message);
	return admin_result(admin, message->id, true, "");
}

static int
start_job(struct import *import, struct error *err)
{
	struct importer_client *importer = import->admins->target->importer;
	int fd;

	if (importer == NULL)
		return error_set(err, "there is no importer");
	importer_listen(importer, on_job_ended, import->admins);
	if ((import->number = importer_job(importer, &fd, err)) == 0)
		return -1;
	import->job = ipc_open(import->admins->base, fd, &import_job_boundary, IPC_CLIENT,
			       job_handlers, on_job_gone, import, "import");
	if (import->job == NULL)
		return error_errno(err, "a channel to the importer");
	ipc_set_state(import->job, JOB_READING);
	for (uint32_t i = 0; i < import->count; i++) {
		const struct cj_file file = {.file = i};

		(void)ipc_send(import->job, CJ_FILE, 0, &file, import->names[i],
			       strlen(import->names[i]), import->fds[i]);
		close(import->fds[i]);
		import->fds[i] = -1;
	}
	(void)ipc_send(import->job, CJ_GO, 0, NULL, NULL, 0, -1);
	return 0;
}

int
admin_import(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct admin *admin = context;
	struct import *import = find(admin, IMPORT_COLLECTING);
	const struct cc_import *request = message->body;
	struct error err;

	(void)channel;
	if (message->id == 0 || import == NULL ||
	    memchr(request->name, '\0', sizeof(request->name)) == NULL || request->zero[0] != 0 ||
	    request->zero[1] != 0 || request->zero[2] != 0 ||
	    (request->flags & ~(uint32_t)IMPORT_FLAGS) != 0)
		return -1;
	import->id = message->id;
	import->request = *request;
	if (request->name[0] != '\0' && import_name_check(request->name, &err) == -1) {
		fail(import, err.text);
		return 0;
	}
	import->state = IMPORT_WORKING;
	if (start_job(import, &err) == -1)
		fail(import, err.text);
	else
		admin_progress(admin, import->id, 0, 0, "reading the files");
	return 0;
}

int
admin_import_passphrase(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_import_passphrase *body = message->body;
	const struct cj_passphrase answer = {.given = body->given};
	struct admin *admin = context;
	struct import *import = find(admin, IMPORT_ASKING);

	(void)channel;
	if (message->id == 0 || import == NULL || body->given > 1 ||
	    (body->given == 0 && message->tail_length != 0))
		return -1;
	import->id = message->id;
	import->state = IMPORT_WORKING;
	if (import->job == NULL) {
		say_how_it_ended(import);
		return 0;
	}
	ipc_set_state(import->job, JOB_WORKING);
	(void)ipc_send(import->job, CJ_PASSPHRASE, 0, &answer, message->tail, message->tail_length,
		       -1);
	return 0;
}
