"""Members are told of a coupon before its last day: once a coupon, one message a day."""
