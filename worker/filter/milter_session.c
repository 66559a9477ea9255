/* SPDX-License-Identifier: ISC */
#include "worker/filter/milter_session.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto/types.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* All but MILTER_SETS_SYMLIST: every milter gets all macros. */
#define OUR_ACTIONS 0x0ffU
/* All but MILTER_REJECTED_RCPTS: what was refused at RCPT is no part of the mail. */
#define OUR_STEPS (0x001fffffU & ~(uint32_t)MILTER_REJECTED_RCPTS)
#define DATA_SINCE 4 /* versions of the protocol */
#define UNKNOWN_SINCE 3
#define EOH_MACROS_SINCE 6

/*
 * -- What is said, a function a state: 1 said, 0 nothing (more) to say, -1 no memory or errno --
 */

static int
said(int result)
{
	return result == -1 ? -1 : 1;
}

static int
say_options(struct milter_session *s, struct evbuffer *out)
{
	const struct milter_options ours = {MILTER_VERSION, OUR_ACTIONS, OUR_STEPS};

	(void)s;
	return said(milter_write_options(out, &ours));
}

static int
say_connect(struct milter_session *s, struct evbuffer *out)
{
	const struct milter_mail *m = s->mail;
	const char *name = m->client_name != NULL ? m->client_name : "unknown";
	char port[8], underscore[HOST_NAME_SIZE + 64];
	const char *const macros[] = {
	    "j",
	    m->hostname,
	    "v",
	    "Postern",
	    "{daemon_name}",
	    m->hostname,
	    "{client_addr}",
	    m->client,
	    "{client_name}",
	    name,
	    "{client_ptr}",
	    name,
	    "{client_port}",
	    m->client == NULL ? NULL : port,
	    "_",
	    underscore,
	};

	if (s->next++ > 0)
		return 0;
	snprintf(port, sizeof(port), "%u", m->port);
	snprintf(underscore, sizeof(underscore), "%.255s [%.48s]", name,
		 m->client != NULL ? m->client : "127.0.0.1");
	if (milter_write_macros(out, MILTER_CONNECT, macros, COUNT(macros)) == -1)
		return -1;
	if (s->declined)
		return 1;
	return said(milter_write_connect(out, name, m->client == NULL ? 'U' : m->family, m->port,
					 m->client));
}

static int
say_helo(struct milter_session *s, struct evbuffer *out)
{
	const struct milter_mail *m = s->mail;
	const char *const macros[] = {"{tls_version}", m->tls_version, "{cipher}", m->tls_cipher};

	if (s->next++ > 0)
		return 0;
	if (milter_write_macros(out, MILTER_HELO, macros, COUNT(macros)) == -1)
		return -1;
	if (s->declined)
		return 1;
	return said(milter_write_strings(out, MILTER_HELO, &m->helo, 1));
}

/* In angle brackets, as the command had it. -1 without memory. */
static int
write_path(struct evbuffer *out, enum milter_command command, const char *path)
{
	char bracketed[PATH_SIZE + 2];
	const char *string = bracketed;

	snprintf(bracketed, sizeof(bracketed), "<%s>", path);
	return milter_write_strings(out, command, &string, 1);
}

static int
say_mail(struct milter_session *s, struct evbuffer *out)
{
	const struct milter_mail *m = s->mail;
	const char *const macros[] = {
	    "i",
	    m->queue_id,
	    "{mail_addr}",
	    m->sender,
	    "{auth_authen}",
	    m->submitter,
	    "{auth_type}",
	    m->submitter == NULL ? NULL : m->mechanism,
	};

	if (s->next++ > 0)
		return 0;
	if (milter_write_macros(out, MILTER_MAIL, macros, COUNT(macros)) == -1)
		return -1;
	if (s->declined)
		return 1;
	return said(write_path(out, MILTER_MAIL, m->sender));
}

static int
say_rcpt(struct milter_session *s, struct evbuffer *out)
{
	const char *macros[] = {"i", s->mail->queue_id, "{rcpt_addr}", NULL};
	const char *rcpt = s->next == 0 ? s->mail->recipients : s->rcpt;

	if (s->next >= s->mail->recipient_count)
		return 0;
	s->next++;
	s->rcpt = rcpt + strlen(rcpt) + 1;
	macros[COUNT(macros) - 1] = rcpt;
	if (milter_write_macros(out, MILTER_RCPT, macros, COUNT(macros)) == -1)
		return -1;
	if (s->declined)
		return 1;
	return said(write_path(out, MILTER_RCPT, rcpt));
}

/* DATA and EOH: no data, one macro. */
static int
say_bare(struct milter_session *s, struct evbuffer *out, enum milter_command command)
{
	const char *const macros[] = {"i", s->mail->queue_id};

	if (s->next++ > 0)
		return 0;
	if (milter_write_macros(out, command, macros, COUNT(macros)) == -1)
		return -1;
	if (s->declined)
		return 1;
	return said(milter_write(out, command));
}

static int
say_data(struct milter_session *s, struct evbuffer *out)
{
	return say_bare(s, out, MILTER_DATA);
}

static int
say_eoh(struct milter_session *s, struct evbuffer *out)
{
	return say_bare(s, out, MILTER_EOH);
}

static int
say_end(struct milter_session *s, struct evbuffer *out)
{
	return say_bare(s, out, MILTER_END);
}

/*
 * Lines of a folded value end with LF here. Without MILTER_LEADING_SPACE the blanks in front are
 * not told. A NUL would end the string, and hide what is behind it.
 */
static char *
told_value(const struct milter_session *s, const struct milter_field *field)
{
	const char *from = field->value, *end = from + field->value_length;
	char *value = malloc(field->value_length + 1), *to = value;

	if (value == NULL)
		return NULL;
	if ((s->options.steps & MILTER_LEADING_SPACE) == 0) {
		while (from < end && (*from == ' ' || *from == '\t'))
			from++;
	}
	for (; from < end; from++) {
		if (*from == '\r' && from + 1 < end && from[1] == '\n')
			continue;
		*to++ = *from == '\0' ? ' ' : *from;
	}
	*to = '\0';
	return value;
}

static int
say_header(struct milter_session *s, struct evbuffer *out)
{
	struct milter_field field;
	const char *strings[2];
	char *name, *value;
	int result = -1;

	if (!s->mail->field(s->mail->context, s->next, &field))
		return 0;
	s->next++;
	name = strndup(field.name, field.name_length);
	value = told_value(s, &field);
	if (name != NULL && value != NULL) {
		strings[0] = name;
		strings[1] = value;
		result = said(milter_write_strings(out, MILTER_HEADER, strings, 2));
	}
	free(name);
	free(value);
	return result;
}

static int
say_body(struct milter_session *s, struct evbuffer *out)
{
	char *chunk = malloc(MILTER_DATA_MAX);
	ssize_t n = -1;
	int result;

	if (chunk != NULL)
		n = s->mail->body(s->mail->context, s->offset, chunk, MILTER_DATA_MAX);
	if (n <= 0) {
		free(chunk);
		return (int)n;
	}
	s->offset += (uint64_t)n;
	result = said(milter_write_data(out, MILTER_BODY, chunk, (size_t)n));
	free(chunk);
	return result;
}

static const struct step {
	const char *name;
	int (*say)(struct milter_session *, struct evbuffer *);
	uint32_t without; /* the milter doesn't want it */
	uint32_t silent;  /* the milter doesn't reply */
	bool skips;       /* it may want no more of it */
	/* Macros are told from this version on, even if the milter doesn't want the rest: a later
	 * step of it may need them. 0: there are none. */
	uint32_t macros;
} steps[MILTER_STATES] = {
    [MILTER_IN_OPTIONS] = {"OPTIONS", say_options, 0, 0, false, 0},
    [MILTER_IN_CONNECT] = {"CONNECT", say_connect, MILTER_NO_CONNECT, MILTER_NR_CONNECT, false,
			   MILTER_VERSION_MIN},
    [MILTER_IN_HELO] = {"HELO", say_helo, MILTER_NO_HELO, MILTER_NR_HELO, false,
			MILTER_VERSION_MIN},
    [MILTER_IN_MAIL] = {"MAIL", say_mail, MILTER_NO_MAIL, MILTER_NR_MAIL, false,
			MILTER_VERSION_MIN},
    [MILTER_IN_RCPT] = {"RCPT", say_rcpt, MILTER_NO_RCPT, MILTER_NR_RCPT, true, MILTER_VERSION_MIN},
    [MILTER_IN_DATA] = {"DATA", say_data, MILTER_NO_DATA, MILTER_NR_DATA, false, DATA_SINCE},
    [MILTER_IN_HEADER] = {"HEADER", say_header, MILTER_NO_HEADERS, MILTER_NR_HEADER, true, 0},
    [MILTER_IN_EOH] = {"EOH", say_eoh, MILTER_NO_EOH, MILTER_NR_EOH, false, EOH_MACROS_SINCE},
    [MILTER_IN_BODY] = {"BODY", say_body, MILTER_NO_BODY, MILTER_NR_BODY, true, 0},
    [MILTER_IN_END] = {"END", say_end, 0, 0, false, 0},
    [MILTER_OVER] = {"OVER", NULL, 0, 0, false, 0},
};

const char *
milter_state_name(enum milter_state state)
{
	return steps[state].name;
}

void
milter_session_start(struct milter_session *s, const struct milter_mail *mail)
{
	*s = (struct milter_session){.mail = mail, .outcome = MILTER_ACCEPT};
}

static void
go_on(struct milter_session *s)
{
	s->state++;
	s->next = 0;
}

static bool
tells_macros(const struct milter_session *s, const struct step *step)
{
	return step->macros != 0 && s->options.version >= step->macros;
}

int
milter_session_speak(struct milter_session *s, struct evbuffer *out, struct error *err)
{
	while (!s->waiting && s->state < MILTER_OVER) {
		const struct step *step = &steps[s->state];
		int result = 0;

		errno = ENOMEM;
		s->declined = (s->options.steps & step->without) != 0;
		if (!s->declined || tells_macros(s, step))
			result = step->say(s, out);
		if (result == -1)
			return error_errno(err, "telling a milter of %s", step->name);
		if (result == 0) {
			go_on(s);
			continue;
		}
		s->waiting =
		    !s->declined && (step->silent == 0 || (s->options.steps & step->silent) == 0);
		return 1;
	}
	return 0;
}

/*
 * -- What is heard --------------------------------------------------------------
 */

static int
hear_options(struct milter_session *s, const char *packet, size_t length, struct error *err)
{
	struct milter_options theirs;

	if (milter_read_options(packet, length, &theirs) == -1)
		return error_set(err, "what answers is no milter: no option negotiation");
	if (theirs.version < MILTER_VERSION_MIN || theirs.version > MILTER_VERSION)
		return error_set(err, "it speaks version %u of the protocol, not 2 to 6",
				 theirs.version);
	if ((theirs.actions & ~OUR_ACTIONS) != 0 || (theirs.steps & ~OUR_STEPS) != 0)
		return error_set(err, "it wants what was not offered (actions 0x%x, steps 0x%x)",
				 theirs.actions, theirs.steps);
	if (theirs.version < DATA_SINCE)
		theirs.steps |= MILTER_NO_DATA;
	s->options = theirs;
	go_on(s);
	return 0;
}

static void
over(struct milter_session *s, enum milter_reply_type outcome, unsigned code, const char *status,
     const char *text)
{
	s->state = MILTER_OVER;
	s->outcome = outcome;
	s->code.code = code;
	strlcpy(s->code.status, status, sizeof(s->code.status));
	strlcpy(s->text, text, sizeof(s->text));
	s->code.text = s->text;
}

static int
refused(struct milter_session *s, const char *words, struct error *err)
{
	if (milter_read_code(words, &s->code, s->text, sizeof(s->text)) == -1)
		return error_set(err, "it refuses with a code that is none");
	s->state = MILTER_OVER;
	s->outcome = s->code.code < 500 ? MILTER_TEMPFAIL : MILTER_REJECT;
	return 0;
}

static int
change(struct milter_session *s, const struct milter_reply *reply, struct error *err)
{
	if (s->state != MILTER_IN_END)
		return error_set(err, "it changes the mail before its end");
	if ((s->options.actions & milter_action_of(reply->type)) == 0)
		return error_set(err, "it changes what it had said it would not");
	s->waiting = true;
	errno = ENOMEM;
	if (s->mail->change(s->mail->context, reply) == -1)
		return error_errno(err, "changing the mail");
	return 0;
}

static int
decide(struct milter_session *s, const struct milter_reply *reply, struct error *err)
{
	switch (reply->type) {
	case MILTER_CONTINUE:
		if (s->state == MILTER_IN_END)
			over(s, MILTER_ACCEPT, 0, "", "");
		return 0;
	case MILTER_SKIP:
		if (!steps[s->state].skips)
			return error_set(err, "it skips what comes once");
		go_on(s);
		return 0;
	case MILTER_ACCEPT:
	case MILTER_DISCARD:
		over(s, reply->type, 0, "", "");
		return 0;
	case MILTER_REJECT:
		over(s, MILTER_REJECT, 550, "5.7.1", "Command rejected");
		return 0;
	case MILTER_TEMPFAIL:
	case MILTER_CONN_FAIL:
		over(s, MILTER_TEMPFAIL, 451, "4.7.1", "Service unavailable, try again later");
		return 0;
	case MILTER_SHUTDOWN:
		over(s, MILTER_TEMPFAIL, 421, "4.7.0", "Service unavailable, try again later");
		return 0;
	case MILTER_REPLYCODE:
		return refused(s, reply->name, err);
	default:
		return error_set(err, "it answers what can't be here");
	}
}

int
milter_session_hear(struct milter_session *s, const char *packet, size_t length, struct error *err)
{
	struct milter_reply reply;

	if (!s->waiting)
		return error_set(err, "it answers what it was not asked, in %s",
				 steps[s->state].name);
	if (s->state == MILTER_IN_OPTIONS) {
		s->waiting = false;
		return hear_options(s, packet, length, err);
	}
	if (milter_read_reply(packet, length, &reply) == -1)
		return error_set(err, "its answer to %s can't be read", steps[s->state].name);
	if (reply.type == MILTER_PROGRESS)
		return 0;
	s->waiting = false;
	return milter_is_change(reply.type) ? change(s, &reply, err) : decide(s, &reply, err);
}
