"""How the product of a tied layer is computed: the forms that fit its labels, and the cost of each."""
