"""Groups: chats of members with an owner, how one gets in, who is in them, and what they bought."""
