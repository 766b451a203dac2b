"""What may the bot ask for, and what is it told? The Bot API as far as we use it, as strict as it is."""

from __future__ import annotations

import json
from typing import Any

from telegram_world import Chat, Json, World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


class Refused(Exception):
    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


def bad(description: str, **parameters: Any) -> Refused:
    return Refused(400, f"Bad Request: {description}", **parameters)


class Methods:
    """One method each, named as in the Bot API; `asked` holds its parameters."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commands: dict[str, list[str]] = {}  # by scope
        self.answered: list[str] = []  # ids of button presses
        self.refuse_entities = False

    def getMe(self, asked: Json) -> Json:
        world = self.world
        return {
            **world.bot.json(),
            "can_join_groups": True,
            "can_read_all_group_messages": not world.privacy,
            "can_connect_to_business": world.can_connect_to_business,
            "supports_inline_queries": False,
        }

    def sendMessage(self, asked: Json) -> Json:
        chat = self._place(asked)
        message = self._text(asked)
        message |= self._reply(chat, asked) | self._topic(chat, asked) | self._markup(asked)
        return self.world.add_ours(chat, message)

    def sendDocument(self, asked: Json) -> Json:
        chat, content = self._place(asked), asked["document"]
        name, data = content if isinstance(content, tuple) else ("", b"")
        document = {
            "file_id": self.world.file(data),
            "file_unique_id": "u",
            "file_name": name,
            "file_size": len(data),
        }
        message = {"document": document} | self._reply(chat, asked) | self._topic(chat, asked)
        if caption := asked.get("caption"):
            if _units(caption) > 1024:
                raise bad("message caption is too long")
            message["caption"] = caption
        return self.world.add_ours(chat, message)

    def sendPhoto(self, asked: Json) -> Json:
        chat = self._place(asked)
        photo = {"file_id": self.world.file(b""), "file_unique_id": "u", "width": 1, "height": 1}
        return self.world.add_ours(chat, {"photo": [photo]} | self._topic(chat, asked))

    def sendMessageDraft(self, asked: Json) -> bool:
        chat = self._place(asked)
        if chat.type != "private" or chat.connection:
            raise bad("drafts can be sent to private chats only")
        chat.drafts.append({"draft_id": asked["draft_id"], **self._text(asked)})
        return True

    def sendChatAction(self, asked: Json) -> bool:
        self._place(asked).actions.append(asked["action"])
        return True

    def editMessageText(self, asked: Json) -> Json:
        message = self._editable(asked)
        new = self._text(asked) | self._markup(asked)
        if "text" not in message:
            raise bad("there is no text in the message to edit")
        kept = ("text", "entities", "reply_markup")
        if {key: message.get(key) for key in kept} == {key: new.get(key) for key in kept}:
            raise bad(NOT_MODIFIED)
        for key in kept:
            message.pop(key, None)
        message |= new
        return message

    def editMessageReplyMarkup(self, asked: Json) -> Json:
        message = self._editable(asked)
        new = self._markup(asked).get("reply_markup")
        if message.get("reply_markup") == new:
            raise bad(NOT_MODIFIED)
        message.pop("reply_markup", None)
        if new:
            message["reply_markup"] = new
        return message

    def deleteMessage(self, asked: Json) -> bool:
        if self._place(asked).messages.pop(int(asked["message_id"]), None) is None:
            raise bad("message to delete not found")
        return True

    def deleteBusinessMessages(self, asked: Json) -> bool:
        for chat in self.world.business_chats.values():
            for message_id in asked["message_ids"]:
                chat.messages.pop(message_id, None)
        return True

    def setMessageReaction(self, asked: Json) -> bool:
        chat, message_id = self._place(asked), int(asked["message_id"])
        if message_id not in chat.messages:
            raise bad("message to react not found")
        chat.reactions[message_id, self.world.bot.id] = asked.get("reaction") or []
        return True

    def answerCallbackQuery(self, asked: Json) -> bool:
        if asked["callback_query_id"] in self.answered:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        self.answered.append(asked["callback_query_id"])
        return True

    def setMyCommands(self, asked: Json) -> bool:
        scope = asked.get("scope") or {"type": "default"}
        if scope["type"] == "chat":
            self._place(scope)
        for command in asked["commands"]:
            if not 1 <= len(command["command"]) <= 32 or not 1 <= len(command["description"]) <= 256:
                raise bad("BOT_COMMAND_INVALID")
        where = f"{scope['type']}:{scope['chat_id']}" if "chat_id" in scope else scope["type"]
        self.commands[where] = [one["command"] for one in asked["commands"]]
        return True

    def getChat(self, asked: Json) -> Json:
        return {**self._place(asked).json(), "accent_color_id": 0, "max_reaction_count": 11}

    def getChatMember(self, asked: Json) -> Json:
        chat, user_id = self._place(asked), int(asked["user_id"])
        user = self.world.bot if user_id == self.world.bot.id else self.world.users[user_id]
        if user_id not in chat.admins:
            return {"user": user.json(), "status": "member"}
        rights = ("can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages")
        rights += ("can_manage_video_chats", "can_restrict_members", "can_promote_members")
        rights += ("can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories")
        rights += ("can_delete_stories",)
        return {"user": user.json(), "status": "administrator", **dict.fromkeys(rights, True)}

    def getBusinessConnection(self, asked: Json) -> Json:
        return self._connection(asked["business_connection_id"]).json()

    def getFile(self, asked: Json) -> Json:
        if asked["file_id"] not in self.world.files:
            raise bad("invalid file_id")
        return {
            "file_id": asked["file_id"],
            "file_unique_id": "u",
            "file_path": f"documents/{asked['file_id']}",
        }

    def getCustomEmojiStickers(self, asked: Json) -> Json:
        ids = asked["custom_emoji_ids"]
        return [self.world.emoji[id] for id in (json.loads(ids) if isinstance(ids, str) else ids)]

    # what they share

    def _connection(self, number: str) -> Any:
        if number not in self.world.connections:
            raise bad("business connection not found")
        return self.world.connections[number]

    def _place(self, asked: Json) -> Chat:
        number = int(asked["chat_id"])
        if connection_id := asked.get("business_connection_id"):
            connection = self._connection(connection_id)
            if not connection.can_reply or not connection.is_enabled:
                raise bad("BUSINESS_CONNECTION_NOT_ALLOWED")
            if (connection.owner.id, number) not in self.world.business_chats:
                raise bad("BUSINESS_PEER_INVALID")
            return self.world.business_chat(connection, number)
        chat = self.world.chats.get(number)
        if chat is None:
            raise bad("chat not found")
        if chat.moved_to:
            raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to)
        if not chat.bot_is_member:
            raise Refused(403, "Forbidden: bot was kicked from the supergroup chat")
        if number in self.world.users and self.world.users[number].blocks_us:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat

    def _editable(self, asked: Json) -> Json:
        chat, number = self._place(asked), int(asked["message_id"])
        if number <= 0:
            raise bad("MESSAGE_ID_INVALID")
        message = chat.messages.get(number)
        if message is None:
            raise bad("message to edit not found")
        writers = {self.world.bot.id}
        if chat.connection:  # there the bot may change what the owner wrote
            writers.add(self.world.connections[chat.connection].owner.id)
        if message.get("from", {}).get("id") not in writers or "forum_topic_created" in message:
            raise bad("message can't be edited")
        if "asks" in message:
            raise bad("message can't be edited")
        return message

    def _text(self, asked: Json) -> Json:
        text = asked.get("text", "")
        if asked.get("parse_mode"):
            raise bad("can't parse entities: this server wants entities")
        if not text.strip():
            raise bad("message text is empty")
        if _units(text) > 4096:
            raise bad("message is too long")
        entities = asked.get("entities") or []
        for entity in entities:
            start, length = entity["offset"], entity["length"]
            if start < 0 or length <= 0 or start + length > _units(text):
                raise bad("can't parse entities: one is out of range")
        if entities and self.refuse_entities:
            raise bad("can't parse entities: refused for a test")
        return {"text": text, **({"entities": entities} if entities else {})}

    def _reply(self, chat: Chat, asked: Json) -> Json:
        if not (reply := asked.get("reply_parameters")):
            return {}
        answered = chat.messages.get(reply["message_id"])
        if answered is None and not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        if answered is None:
            return {}
        return {
            "reply_to_message": {key: value for key, value in answered.items() if key != "reply_to_message"}
        }

    def _topic(self, chat: Chat, asked: Json) -> Json:
        if not (topic := asked.get("message_thread_id")):
            return {}
        if int(topic) not in chat.topics:
            raise bad("message thread not found")
        return {"message_thread_id": int(topic), "is_topic_message": True}

    def _markup(self, asked: Json) -> Json:
        if not (markup := asked.get("reply_markup")):
            return {}
        for row in markup.get("inline_keyboard", ()):
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise bad("BUTTON_DATA_INVALID")
        return {"reply_markup" if "inline_keyboard" in markup else "asks": markup}  # people see the latter


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
