"""What is made small: laws of data and minibatches, losses, penalties, risks, schemes."""
