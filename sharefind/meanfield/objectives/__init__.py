"""The objectives of training: laws of data and minibatches, losses, penalties, risks, schemes."""
